'use strict'
// pg-boss with batches of 1000, several workers, the shortest poll that it takes, and each worker told to ask again at once
// when its batch was full: left alone, it would wait for the next poll.
const PgBoss = require('pg-boss')
const { Pool } = require('pg')

const BATCH = 1000
const WORKERS = 4
const POLL_S = 0.5
let pool, boss
const working = []

exports.completes = (text) => /SET completed_on = now\(\)/.test(text)
exports.completed = (result) => Number(result.rows[0].count)

exports.open = async (url) => {
  pool = new Pool({ connectionString: url, max: 10 })
  pool.on('error', (error) => console.error(error))
  boss = new PgBoss({ db: { executeSql: (text, values) => pool.query(text, values) }, migrate: true, schedule: false })
  boss.on('error', (error) => console.error(error))
  await boss.start()
}

exports.install = async () => {
  for (const queue of ['noop', 'other']) await boss.createQueue(queue)
}

exports.add_one = (payload) => boss.send('noop', payload)

exports.add_many = (count, { kind, delay_s: delay, priority }) => {
  const startAfter = delay ? new Date(Date.now() + delay * 1000) : undefined
  // Its priorities are higher first.
  return boss.insert(Array.from({ length: count }, (_, number) => ({ name: kind, data: { number }, startAfter, priority: -priority })))
}

exports.start = async (onTask) => {
  for (let i = 0; i < WORKERS; ++i) {
    let id = null
    id = await boss.work('noop', { batchSize: BATCH, pollingIntervalSeconds: POLL_S }, async (jobs) => {
      for (const job of jobs) onTask(job.data)
      if (jobs.length === BATCH) boss.notifyWorker(id)
    })
    working.push(id)
  }
}

exports.stop = async () => {
  for (const id of working.splice(0)) await boss.offWork({ id })
}

exports.finish = async () => {
  await boss.stop({ graceful: false, wait: false })
  await pool.end()
}
