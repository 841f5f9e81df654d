/** SHA-256 of the tables and triggers that all migrations make; `test/store/schema.test.ts` writes and checks it. */
export const latestFingerprint = 'f296bac3246fb3ec805738ba30ca3d92eb3903c345c179caa3019586de1d7202'
