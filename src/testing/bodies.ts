/** Types of requests and answers by the name of their API, for those who know which one they look at. */
import type { ApiName, ApiNamed } from '../../protocol/apis.ts'
import type { AnyApi, DecodedResponseOf, RequestOf, ResponseOf } from '../../protocol/schema.ts'

export type { ApiName } from '../../protocol/apis.ts'

type Of<N extends ApiName> = ApiName extends N ? AnyApi : ApiNamed<N>

/** A request as it was decoded: every field is there, those that its version lacks with their default. */
export type RequestBody<N extends ApiName = ApiName> = RequestOf<Of<N>>
/** An answer as it was decoded. */
export type ResponseBody<N extends ApiName = ApiName> = DecodedResponseOf<Of<N>>
/** An answer to be sent: what is left out says nothing, as zero, the empty text, or -1 for an offset that is not known. */
export type NewResponse<N extends ApiName = ApiName> = Sketch<ResponseOf<Of<N>>>

type Sketch<T> = T extends Uint8Array
  ? T
  : T extends readonly (infer E)[]
    ? readonly Sketch<E>[]
    : T extends object
      ? { readonly [K in keyof T]?: Sketch<T[K]> }
      : T
