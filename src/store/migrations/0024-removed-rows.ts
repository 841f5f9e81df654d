import { sealed } from '../seal.ts'

/**
 * The key apart from the images: in a table without row numbers, a look at a key reads all that is in its row. To find the place of the next
 * of a thousand rows took as long as to write it.
 */
export const removedRows = `
drop trigger removed_unseal;
drop index removed_unsealed;
alter table removed rename to removed_by_key;
create table removed(
  run integer not null,
  object text not null,
  first integer not null,
  last integer not null,
  objects integer not null,
  images text not null check (json_valid(images)),
  unique (run, object, first)
) strict;
${sealed('removed', 'run', 'object', 'first')}
insert into removed(run, object, first, last, objects, images, crc)
  select run, object, first, last, objects, images, crc from removed_by_key order by run, object, first;
drop table removed_by_key;
`
