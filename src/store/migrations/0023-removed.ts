import { sealed } from '../seal.ts'

/** What runs removed, a chunk of objects a row and under one seal: an image and a seal for each took most of the time of an undo. */
export const removed = `
create table removed(
  run integer not null,
  object text not null,
  first integer not null,
  last integer not null,
  objects integer not null,
  images text not null check (json_valid(images)),
  primary key (run, object, first)
) strict, without rowid;
${sealed('removed', 'run', 'object', 'first')}`
