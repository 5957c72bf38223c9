'use strict'
// graphile-worker with the settings of the performance page of its documentation.
const { Logger, makeWorkerUtils, run } = require('graphile-worker')
const { Pool } = require('pg')

const preset = {
  worker: {
    concurrentJobs: 24,
    maxPoolSize: 25,
    localQueue: { size: 500 },
    completeJobBatchDelay: 0,
    failJobBatchDelay: 0
  }
}
const quiet = new Logger(() => (level, message) => { if (level === 'error') console.error(message) })
let pool, utils, runner

exports.completes = (text) => /^\s*delete from \S+_private_jobs/.test(text)
exports.completed = (result) => result.rowCount

exports.open = async (url) => {
  pool = new Pool({ connectionString: url, max: preset.worker.maxPoolSize })
  pool.on('error', (error) => console.error(error))
  pool.on('connect', (client) => client.on('error', (error) => console.error(error)))
  utils = await makeWorkerUtils({ preset, pgPool: pool, logger: quiet })
}

exports.install = () => utils.migrate()

exports.add_one = (payload) => utils.addJob('noop', payload)

exports.add_many = (count, { kind, delay_s: delay, priority }) => {
  const runAt = delay ? new Date(Date.now() + delay * 1000) : undefined
  return utils.addJobs(Array.from({ length: count }, (_, number) => ({ identifier: kind, payload: { number }, runAt, priority })))
}

exports.start = async (onTask) => {
  runner = await run({
    preset,
    pgPool: pool,
    logger: quiet,
    noHandleSignals: true,
    taskList: { noop: async (payload) => onTask(payload) }
  })
}

exports.stop = async () => {
  const stopping = runner
  runner = null
  if (stopping) await stopping.stop()
}

exports.finish = async () => {
  await exports.stop()
  await utils.release()
  await pool.end()
}
