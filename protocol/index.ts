/**
 * THE WIRE: Kafka's protocol without any input or output.
 *
 * Whole frames (size, header, body), ready for the socket:
 *   encodeRequestFrame(api, version, correlationId, clientId, request): Buffer[]
 *   encodeResponseFrame(api, version, correlationId, response): Buffer[]
 * Headers (a frame is what FrameAssembler yields: without its size):
 *   decodeRequestHeader(frame): { apiKey, apiVersion, correlationId, clientId, bodyOffset }
 *   decodeResponseHeader(api, version, frame): { correlationId, bodyOffset }
 * Bodies:
 *   decodeRequest(api, version, frame, bodyOffset = 0): RequestOf<typeof api>
 *   decodeResponse(api, version, frame, bodyOffset = 0): DecodedResponseOf<typeof api>
 *   encodeRequest(api, version, request): Buffer[]       encodeResponse(api, version, response): Buffer[]
 * Stored records:
 *   encodeMessage(message, version, value): Buffer       decodeMessage(message, version, buffer, offset = 0): MessageOf
 * and with the framing they have in their logs, see stored/framing.ts:
 *   encodeVersioned(message, version, value), decodeVersioned(message, buffer)         coordinator values, consumer protocol
 *   encodeCoordinatorKey(key, value), coordinatorKeyType(buffer), decodeCoordinatorKey(key, buffer)
 *   encodeMetadataRecord(message, version, value), decodeMetadataRecord(buffer): { name: 'TopicRecord', version, value } ...
 *
 * Types: RequestOf and ResponseOf for handlers, RequestInputOf and DecodedResponseOf for clients, MessageOf and
 * MessageInputOf for stored records. Decoded values have every field; when encoding, fields with a default or a tag may be
 * omitted, fields that the version lacks are ignored, and null where the version knows no null is written as empty.
 * `bytes` and `records` are views of the frame. Records to be encoded may be a list of buffers. Decoders throw ParseError
 * and nothing else; an encoder throws RangeError for a value that does not fit the wire.
 */
export * from './apis.ts'
export {
  codecOf,
  compile,
  decodeMessage,
  decodeRequest,
  decodeResponse,
  encodeMessage,
  encodeRequest,
  encodeResponse,
} from './compile.ts'
export * from './errors.ts'
export * from './frame.ts'
export * from './header.ts'
export * from './messages/00-produce.ts'
export * from './messages/01-fetch.ts'
export * from './messages/02-list-offsets.ts'
export * from './messages/03-metadata.ts'
export * from './messages/04-leader-and-isr.ts'
export * from './messages/05-stop-replica.ts'
export * from './messages/06-update-metadata.ts'
export * from './messages/07-controlled-shutdown.ts'
export * from './messages/08-offset-commit.ts'
export * from './messages/09-offset-fetch.ts'
export * from './messages/10-find-coordinator.ts'
export * from './messages/11-join-group.ts'
export * from './messages/12-heartbeat.ts'
export * from './messages/13-leave-group.ts'
export * from './messages/14-sync-group.ts'
export * from './messages/15-describe-groups.ts'
export * from './messages/16-list-groups.ts'
export * from './messages/17-sasl-handshake.ts'
export * from './messages/18-api-versions.ts'
export * from './messages/19-create-topics.ts'
export * from './messages/20-delete-topics.ts'
export * from './messages/21-delete-records.ts'
export * from './messages/22-init-producer-id.ts'
export * from './messages/23-offset-for-leader-epoch.ts'
export * from './messages/24-add-partitions-to-txn.ts'
export * from './messages/25-add-offsets-to-txn.ts'
export * from './messages/26-end-txn.ts'
export * from './messages/27-write-txn-markers.ts'
export * from './messages/28-txn-offset-commit.ts'
export * from './messages/29-describe-acls.ts'
export * from './messages/30-create-acls.ts'
export * from './messages/31-delete-acls.ts'
export * from './messages/32-describe-configs.ts'
export * from './messages/33-alter-configs.ts'
export * from './messages/34-alter-replica-log-dirs.ts'
export * from './messages/35-describe-log-dirs.ts'
export * from './messages/36-sasl-authenticate.ts'
export * from './messages/37-create-partitions.ts'
export * from './messages/38-create-delegation-token.ts'
export * from './messages/39-renew-delegation-token.ts'
export * from './messages/40-expire-delegation-token.ts'
export * from './messages/41-describe-delegation-token.ts'
export * from './messages/42-delete-groups.ts'
export * from './messages/43-elect-leaders.ts'
export * from './messages/44-incremental-alter-configs.ts'
export * from './messages/45-alter-partition-reassignments.ts'
export * from './messages/46-list-partition-reassignments.ts'
export * from './messages/47-offset-delete.ts'
export * from './messages/48-describe-client-quotas.ts'
export * from './messages/49-alter-client-quotas.ts'
export * from './messages/50-describe-user-scram-credentials.ts'
export * from './messages/51-alter-user-scram-credentials.ts'
export * from './messages/52-vote.ts'
export * from './messages/53-begin-quorum-epoch.ts'
export * from './messages/54-end-quorum-epoch.ts'
export * from './messages/55-describe-quorum.ts'
export * from './messages/56-alter-partition.ts'
export * from './messages/57-update-features.ts'
export * from './messages/58-envelope.ts'
export * from './messages/59-fetch-snapshot.ts'
export * from './messages/60-describe-cluster.ts'
export * from './messages/61-describe-producers.ts'
export * from './messages/62-broker-registration.ts'
export * from './messages/63-broker-heartbeat.ts'
export * from './messages/64-unregister-broker.ts'
export * from './messages/65-describe-transactions.ts'
export * from './messages/66-list-transactions.ts'
export * from './messages/67-allocate-producer-ids.ts'
export * from './messages/68-consumer-group-heartbeat.ts'
export * from './messages/69-consumer-group-describe.ts'
export * from './messages/70-controller-registration.ts'
export * from './messages/71-get-telemetry-subscriptions.ts'
export * from './messages/72-push-telemetry.ts'
export * from './messages/73-assign-replicas-to-dirs.ts'
export * from './messages/74-list-config-resources.ts'
export * from './messages/75-describe-topic-partitions.ts'
export * from './messages/76-share-group-heartbeat.ts'
export * from './messages/77-share-group-describe.ts'
export * from './messages/78-share-fetch.ts'
export * from './messages/79-share-acknowledge.ts'
export * from './messages/80-add-raft-voter.ts'
export * from './messages/81-remove-raft-voter.ts'
export * from './messages/82-update-raft-voter.ts'
export * from './messages/83-initialize-share-group-state.ts'
export * from './messages/84-read-share-group-state.ts'
export * from './messages/85-write-share-group-state.ts'
export * from './messages/86-delete-share-group-state.ts'
export * from './messages/87-read-share-group-state-summary.ts'
export * from './messages/88-streams-group-heartbeat.ts'
export * from './messages/89-streams-group-describe.ts'
export * from './messages/90-describe-share-group-offsets.ts'
export * from './messages/91-alter-share-group-offsets.ts'
export * from './messages/92-delete-share-group-offsets.ts'
export { ParseError, Reader } from './reader.ts'
export * from './schema.ts'
export * from './stored/consumer-protocol.ts'
export * from './stored/control.ts'
export * from './stored/framing.ts'
export * from './stored/group-classic.ts'
export * from './stored/group-consumer.ts'
export * from './stored/group-share.ts'
export * from './stored/group-streams.ts'
export * from './stored/metadata.ts'
export * from './stored/principal.ts'
export * from './stored/producer-snapshot.ts'
export * from './stored/quorum-state.ts'
export * from './stored/remote-log.ts'
export * from './stored/share.ts'
export * from './stored/streams-subscription.ts'
export * from './stored/transaction.ts'
export * from './uuid.ts'
export { Writer } from './writer.ts'
