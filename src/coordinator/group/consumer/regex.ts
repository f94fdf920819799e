/** Subscriptions by pattern: which topics they stand for. RE2's syntax, whose matching takes linear time. */
import { RE2JS, RE2JSException, RE2JSSyntaxException } from 're2js'
import { Errors, KafkaError } from '../../../../protocol/errors.ts'
import type { ConsumerDraft } from './draft.ts'
import type { ResolvedRegex } from './records.ts'

/** Throws KafkaError for a pattern that is none. */
export function compileRegex(regex: string): RE2JS {
  try {
    return RE2JS.compile(regex)
  } catch (error) {
    if (!(error instanceof RE2JSException)) throw error
    throw new KafkaError(
      Errors.INVALID_REGULAR_EXPRESSION,
      `SubscribedTopicRegex \`${regex}\` is not a valid regular expression: ${reasonOf(error)}.`,
    )
  }
}

function reasonOf(error: RE2JSException): string {
  return error instanceof RE2JSSyntaxException ? error.getDescription() : error.message
}

/** Sorted, so that the same topics are the same list. */
function matchesOf(regex: string, topicNames: Iterable<string>): string[] {
  const pattern = compileRegex(regex)
  const topics: string[] = []
  for (const name of topicNames) if (pattern.matches(name)) topics.push(name)
  return topics.sort()
}

/** Puts on record what the pattern stands for, unless that is known. */
export function resolveRegex(draft: ConsumerDraft, regex: string): void {
  if (!draft.group.regexes.has(regex)) resolve(draft, regex)
}

/** Whether the pattern stands for other topics than before. */
function resolve(draft: ConsumerDraft, regex: string): boolean {
  const { cluster, context, groupId } = draft
  const before = draft.group.regexes.get(regex)
  const value: ResolvedRegex = {
    topics: matchesOf(regex, cluster.topicNames()),
    version: cluster.topicNamesVersion(),
    timestampMs: context.nowMs,
  }
  draft.write({ kind: 'consumerRegex', groupId, regex, value })
  return !before || before.topics.length !== value.topics.length || before.topics.some((t, i) => t !== value.topics[i])
}

/** Looks again at patterns when topics have come or gone, though not all the time. Whether any stands for other topics now. */
export function refreshRegexes(draft: ConsumerDraft): boolean {
  const { regexRefreshMs, regexBatchMs } = draft.settings.consumer
  const { nowMs } = draft.context
  const version = draft.cluster.topicNamesVersion()
  let changed = false
  for (const [regex, resolved] of [...draft.group.regexes]) {
    const ageMs = Math.abs(nowMs - resolved.timestampMs)
    const isDue = ageMs >= regexRefreshMs || (resolved.version < version && ageMs >= regexBatchMs)
    if (isDue && resolve(draft, regex)) changed = true
  }
  return changed
}

/** A pattern that no member but this one uses is forgotten. */
export function forgetRegex(draft: ConsumerDraft, regex: string | null, memberId: string): void {
  const { group, groupId } = draft
  if (!regex || !group.regexes.has(regex) || group.isRegexUsed(regex, memberId)) return
  draft.write({ kind: 'consumerRegex', groupId, regex, value: null })
}
