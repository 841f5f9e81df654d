/** When a section of a run began and ended: how long each takes. Rows that are there get their check anew, over the new columns too. */
export const sectionTimes = `
alter table task_section add column began_at text;
alter table task_section add column ended_at text;
update task_section set crc = null;
`
