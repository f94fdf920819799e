import { api, array, int16, int32, string, uuid } from '../schema.ts'

/** Deletes topics. Version 5 carries error messages, 6 names topics by id. */
export const deleteTopics = api(
  20,
  'DeleteTopics',
  '0-6',
  { flexible: '4+', legacy: '0', listeners: ['broker', 'controller'], forwarded: true },
  {
    request: {
      topics: array('6+', {
        name: string('6+', { nullable: '6+', default: null }),
        topicId: uuid('6+'),
      }),
      topicNames: array('0-5', 'string'),
      timeoutMs: int32('0+'),
    },
    response: {
      throttleTimeMs: int32('1+', { default: 0 }),
      responses: array('0+', {
        name: string('0+', { nullable: '6+' }),
        topicId: uuid('6+'),
        errorCode: int16('0+'),
        errorMessage: string('5+', { nullable: '5+', default: null }),
      }),
    },
  },
)
