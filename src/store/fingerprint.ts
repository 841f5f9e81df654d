/** SHA-256 of the tables and triggers that all migrations make; `test/store/schema.test.ts` writes and checks it. */
export const latestFingerprint = '0d55b38ba47ebbb3e6f7497d0001584227ac8431f1e21de2383a199648102d38'
