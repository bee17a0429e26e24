// What jsonstore_bench.c does, with lowdb: node lowdb.mjs OPERATION FOLDER SECONDS SEED
// All records are in memory; each write writes the file anew, beside it and renamed, and not synced.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { JSONFilePreset } from 'lowdb/node'

const RECORDS = 100000
const RECORD_BYTES = 200
const GROUPS = 10000
const FEWEST = 2
const [what, folder, seconds, seed] = process.argv.slice(2)
const path = join(folder, 'records.json')

function makeRecord(id, grp, version) {
  const text = `${version} `
  const length = JSON.stringify({ id, grp, text }).length
  return { id, grp, text: text + 'x'.repeat(RECORD_BYTES - length) }
}

const key = (number) => 'k' + String(number).padStart(8, '0')
const known = (number, version) => makeRecord(key(number), number % GROUPS, version)
const open = () => JSONFilePreset(path, { records: [] })

function check(good) {
  if (!good) throw new Error(`${what} has not done what it should`)
}

// mulberry32
let state = Number(seed) >>> 0
function random(below) {
  state = (state + 0x6d2b79f5) >>> 0
  let x = Math.imul(state ^ (state >>> 15), state | 1)
  x ^= x + Math.imul(x ^ (x >>> 7), x | 61)
  return ((x ^ (x >>> 14)) >>> 0) % below
}

const operations = {
  async open() {
    const id = key(random(RECORDS))
    check((await open()).data.records.find((record) => record.id === id))
  },
  get(db) {
    const id = key(random(RECORDS))
    check(db.data.records.find((record) => record.id === id)?.id === id)
  },
  find(db) {
    const grp = random(GROUPS)
    check(db.data.records.filter((record) => record.grp === grp).length === RECORDS / GROUPS)
  },
  async insert(db, done) {
    await db.update(({ records }) => records.push(makeRecord(`n${done}`, -1, 0)))
  },
  async update(db, done) {
    const record = known(random(RECORDS), done + 1)
    await db.update(({ records }) => {
      records[records.findIndex((old) => old.id === record.id)] = record
    })
  },
}

let done = 0
const db = what === 'prepare' || what === 'open' ? null : await open()
const began = performance.now()
const cpu = process.cpuUsage()
if (what === 'prepare') {
  const records = Array.from({ length: RECORDS }, (_, number) => known(number, 0))
  writeFileSync(path, JSON.stringify({ records }, null, 2))
  done = RECORDS
} else {
  while (done < FEWEST || performance.now() - began < Number(seconds) * 1000) {
    await operations[what](db, done++)
  }
}
const { user, system } = process.cpuUsage(cpu)
console.log(JSON.stringify({
  operations: done,
  seconds: (performance.now() - began) / 1000,
  cpu_seconds: (user + system) / 1e6,
}))
