/** By what timing a schedule counts since then: what another one would have had before it was written is not missed. */
export const scheduleTiming = `
alter table schedule add column timing text;
update schedule set crc = null;
`
