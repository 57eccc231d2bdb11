"""FastAPI, to be served by uvicorn."""

import os
from typing import Annotated, Any

import jwt  # type: ignore[import-not-found,unused-ignore]  # a peer's
from fastapi import Depends, FastAPI, Header  # type: ignore[import-not-found,unused-ignore]  # a peer's
from fastapi.staticfiles import StaticFiles  # type: ignore[import-not-found,unused-ignore]  # a peer's

app = FastAPI()


async def subject(authorization: Annotated[str, Header()]) -> str:
    return str(jwt.decode(authorization[7:], "s" * 32, algorithms=["HS256"])["sub"])


@app.get("/")
async def hello() -> Any:
    return {"message": "hello"}


@app.get("/items/{id}")
async def item(id: int, q: str | None = None) -> Any:
    return {"id": id, "q": q}


@app.post("/echo")
async def echo(body: dict[str, Any]) -> Any:
    return body


@app.get("/jwt")
async def who(sub: Annotated[str, Depends(subject)]) -> Any:
    return {"sub": sub}


@app.get("/sync")
def hello_sync() -> Any:
    return {"message": "hello"}


app.mount("/static", StaticFiles(directory=os.environ["BENCH_FILES"]))
