/** Topics that the broker keeps its own state in. */
export const offsetsTopic = '__consumer_offsets'
export const transactionsTopic = '__transaction_state'
export const shareStateTopic = '__share_group_state'

export const internalTopics: ReadonlySet<string> = new Set([offsetsTopic, transactionsTopic, shareStateTopic])

/** The metadata log itself; never an ordinary topic. */
export const metadataTopic = '__cluster_metadata'
export const metadataTopicId = 'AAAAAAAAAAAAAAAAAAAAAQ'
