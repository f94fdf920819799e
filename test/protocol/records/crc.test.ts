import t from 'tap'
import { crc32, crc32c } from '../../../protocol/records/crc.ts'
import { primitives } from './vectors.ts'

t.test('both checksums, whole and in two parts', async t => {
  for (const { inputHex, crc32c: castagnoli, crc32: plain } of primitives.crc) {
    const input = Buffer.from(inputHex, 'hex')
    t.equal(crc32c(input), castagnoli)
    t.equal(crc32(input), plain)
    const middle = input.length >> 1
    t.equal(crc32c(input.subarray(middle), crc32c(input.subarray(0, middle))), castagnoli)
    t.equal(crc32(input.subarray(middle), crc32(input.subarray(0, middle))), plain)
  }
})
