import datetime

from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Photo(_message.Message):
    __slots__ = ("id", "user_id", "title", "description", "content_type", "size", "width", "height", "created_at", "updated_at")
    ID_FIELD_NUMBER: _ClassVar[int]
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    TITLE_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    CONTENT_TYPE_FIELD_NUMBER: _ClassVar[int]
    SIZE_FIELD_NUMBER: _ClassVar[int]
    WIDTH_FIELD_NUMBER: _ClassVar[int]
    HEIGHT_FIELD_NUMBER: _ClassVar[int]
    CREATED_AT_FIELD_NUMBER: _ClassVar[int]
    UPDATED_AT_FIELD_NUMBER: _ClassVar[int]
    id: int
    user_id: int
    title: str
    description: str
    content_type: str
    size: int
    width: int
    height: int
    created_at: _timestamp_pb2.Timestamp
    updated_at: _timestamp_pb2.Timestamp
    def __init__(self, id: _Optional[int] = ..., user_id: _Optional[int] = ..., title: _Optional[str] = ..., description: _Optional[str] = ..., content_type: _Optional[str] = ..., size: _Optional[int] = ..., width: _Optional[int] = ..., height: _Optional[int] = ..., created_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., updated_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class GetRequest(_message.Message):
    __slots__ = ("user", "id")
    USER_FIELD_NUMBER: _ClassVar[int]
    ID_FIELD_NUMBER: _ClassVar[int]
    user: str
    id: int
    def __init__(self, user: _Optional[str] = ..., id: _Optional[int] = ...) -> None: ...

class ListRequest(_message.Message):
    __slots__ = ("user", "page", "size", "sort", "q")
    USER_FIELD_NUMBER: _ClassVar[int]
    PAGE_FIELD_NUMBER: _ClassVar[int]
    SIZE_FIELD_NUMBER: _ClassVar[int]
    SORT_FIELD_NUMBER: _ClassVar[int]
    Q_FIELD_NUMBER: _ClassVar[int]
    user: str
    page: int
    size: int
    sort: str
    q: str
    def __init__(self, user: _Optional[str] = ..., page: _Optional[int] = ..., size: _Optional[int] = ..., sort: _Optional[str] = ..., q: _Optional[str] = ...) -> None: ...

class ListResponse(_message.Message):
    __slots__ = ("items", "total", "page", "size")
    ITEMS_FIELD_NUMBER: _ClassVar[int]
    TOTAL_FIELD_NUMBER: _ClassVar[int]
    PAGE_FIELD_NUMBER: _ClassVar[int]
    SIZE_FIELD_NUMBER: _ClassVar[int]
    items: _containers.RepeatedCompositeFieldContainer[Photo]
    total: int
    page: int
    size: int
    def __init__(self, items: _Optional[_Iterable[_Union[Photo, _Mapping]]] = ..., total: _Optional[int] = ..., page: _Optional[int] = ..., size: _Optional[int] = ...) -> None: ...

class CreateRequest(_message.Message):
    __slots__ = ("user", "filename", "content", "title", "description")
    USER_FIELD_NUMBER: _ClassVar[int]
    FILENAME_FIELD_NUMBER: _ClassVar[int]
    CONTENT_FIELD_NUMBER: _ClassVar[int]
    TITLE_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    user: str
    filename: str
    content: bytes
    title: str
    description: str
    def __init__(self, user: _Optional[str] = ..., filename: _Optional[str] = ..., content: _Optional[bytes] = ..., title: _Optional[str] = ..., description: _Optional[str] = ...) -> None: ...

class UpdateRequest(_message.Message):
    __slots__ = ("user", "id", "title", "description")
    USER_FIELD_NUMBER: _ClassVar[int]
    ID_FIELD_NUMBER: _ClassVar[int]
    TITLE_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    user: str
    id: int
    title: str
    description: str
    def __init__(self, user: _Optional[str] = ..., id: _Optional[int] = ..., title: _Optional[str] = ..., description: _Optional[str] = ...) -> None: ...

class DeleteRequest(_message.Message):
    __slots__ = ("user", "id")
    USER_FIELD_NUMBER: _ClassVar[int]
    ID_FIELD_NUMBER: _ClassVar[int]
    user: str
    id: int
    def __init__(self, user: _Optional[str] = ..., id: _Optional[int] = ...) -> None: ...

class DeleteResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class WatchRequest(_message.Message):
    __slots__ = ("user",)
    USER_FIELD_NUMBER: _ClassVar[int]
    user: str
    def __init__(self, user: _Optional[str] = ...) -> None: ...

class PhotoChange(_message.Message):
    __slots__ = ("kind", "photo")
    class Kind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        KIND_UNSPECIFIED: _ClassVar[PhotoChange.Kind]
        KIND_CREATED: _ClassVar[PhotoChange.Kind]
        KIND_UPDATED: _ClassVar[PhotoChange.Kind]
        KIND_DELETED: _ClassVar[PhotoChange.Kind]
    KIND_UNSPECIFIED: PhotoChange.Kind
    KIND_CREATED: PhotoChange.Kind
    KIND_UPDATED: PhotoChange.Kind
    KIND_DELETED: PhotoChange.Kind
    KIND_FIELD_NUMBER: _ClassVar[int]
    PHOTO_FIELD_NUMBER: _ClassVar[int]
    kind: PhotoChange.Kind
    photo: Photo
    def __init__(self, kind: _Optional[_Union[PhotoChange.Kind, str]] = ..., photo: _Optional[_Union[Photo, _Mapping]] = ...) -> None: ...
