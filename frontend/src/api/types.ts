/** The API's nouns under short names; their shapes come from the generated client. */
import type {
  GetConfigResponse,
  GetMeResponse,
  GetPhotoResponse,
  ListPhotosResponse,
  SignInResponse,
} from './generated/types.gen'

export type Session = SignInResponse
export type User = GetMeResponse
export type Role = User['role']
export type Photo = GetPhotoResponse
export type PhotoPage = ListPhotosResponse
export type Config = GetConfigResponse
/** Whose photos: a user's number. */
export type Owner = number
