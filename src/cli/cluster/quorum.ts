/** `ottla cluster quorum` */

import { zeroUuid } from '../../../protocol/uuid.ts'
import { quorumOf } from '../../client/cluster.ts'
import { shownDuration, shownInstant } from '../shell/duration.ts'
import type { Session } from '../shell/session.ts'

export async function describeTheQuorum(session: Session): Promise<void> {
  const { quorum, nodes } = await quorumOf(session.client)
  const { leaderId, leaderEpoch, highWatermark, currentVoters, observers } = quorum
  const members = [
    ...currentVoters.map(each => ({ ...each, role: each.replicaId === leaderId ? 'leader' : 'voter' })),
    ...observers.map(each => ({ ...each, role: 'observer' })),
  ]
  const leaderEnd = currentVoters.find(({ replicaId }) => replicaId === leaderId)?.logEndOffset ?? highWatermark
  const shown = members.map(
    ({ replicaId, replicaDirectoryId, role, logEndOffset, lastFetchTimestamp, lastCaughtUpTimestamp }) => ({
      node: replicaId,
      role,
      directoryId: replicaDirectoryId === zeroUuid ? null : replicaDirectoryId,
      logEndOffset,
      lag: logEndOffset < 0 ? null : Math.max(0, leaderEnd - logEndOffset),
      lastFetchTimestamp,
      lastCaughtUpTimestamp,
      endpoints: (nodes.find(({ nodeId }) => nodeId === replicaId)?.listeners ?? []).map(
        ({ name, host, port }) => `${name}://${host}:${port}`,
      ),
    }),
  )
  if (session.json) return session.printJson({ leaderId, leaderEpoch, highWatermark, members: shown })
  await session.facts([
    ['Leader', leaderId < 0 ? 'none' : String(leaderId)],
    ['Epoch', String(leaderEpoch)],
    ['High watermark', String(highWatermark)],
  ])
  await session.print('\n')
  const nowMs = session.host.clock.now()
  const right = (title: string) => ({ title, align: 'right' }) as const
  await session.table(
    [
      right('NODE'),
      { title: 'ROLE' },
      right('LOG END'),
      right('LAG'),
      right('CAUGHT UP'),
      { title: 'DIRECTORY' },
      { title: 'ENDPOINTS' },
    ],
    shown.map(({ node, role, logEndOffset, lag, lastCaughtUpTimestamp, directoryId, endpoints }) => [
      String(node),
      role,
      logEndOffset < 0 ? '-' : String(logEndOffset),
      lag === null ? '-' : String(lag),
      lastCaughtUpTimestamp < 0 ? shownInstant(-1) : `${shownDuration(Math.max(0, nowMs - lastCaughtUpTimestamp))} ago`,
      directoryId ?? '-',
      endpoints.join(' ') || '-',
    ]),
  )
}
