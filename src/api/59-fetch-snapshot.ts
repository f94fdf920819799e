/**
 * FetchSnapshot, versions 0-1.
 *
 * - On the listeners of controllers. A piece of a snapshot of the metadata log from a position on, as many bytes as asked for.
 * - SNAPSHOT_NOT_FOUND, POSITION_OUT_OF_RANGE, and what a fetch is told by who does not lead. v1 directory ids and endpoints.
 */
import { fetchSnapshot } from '../../protocol/messages/59-fetch-snapshot.ts'
import { defineHandler } from './define.ts'

export const handler = defineHandler(
  fetchSnapshot,
  '0-1',
  (request, context) => context.broker.quorum.requests.fetchSnapshot(request),
  { listeners: ['controller'] },
)
