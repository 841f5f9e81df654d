/** SHA-256 of the tables and triggers that all migrations make; `test/store/schema.test.ts` writes and checks it. */
export const latestFingerprint = 'f688cd2a60ca2396d7de75f9412c0cbd65e2283ec0c92bc6c48939f28014d9e1'
