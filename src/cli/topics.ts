import { codes } from '../base/codes.ts'
import { guardNames } from '../model/guard-settings.ts'

/** Short answers to what people ask: `iqtask explain TOPIC`. */
export const topics: Readonly<Record<string, string>> = {
  'exit-codes': `  0  success
  1  error, or a bug
  2  usage or configuration
  3  ended with warnings or rejected items
  4  stopped by a guard, nothing changed there
  5  busy: somebody else holds it
  6  the store is damaged, foreign or newer than the tool
  10 there are changes (plan --exit-code)
  130, 143  stopped by a signal`,
  guards: `Guards judge the whole plan before the first write. A tripped guard means: nothing changes for that application, exit code 4,
the plan is kept (iqtask plan show RESULT), and the message has the figures and the first items.
If the change is right: iqtask run TASK --allow GUARD,GUARD --reason "…" lets it through once, and the audit trail says who and why.
Limits stand in guards: of the configuration, an application or a task: deletes: { percent: 10, atLeast: 5, max: 500 }, or off.
Guards: ${guardNames.join(', ')}`,
  evidence: `How sure a read is that it saw everything. complete: something proves it (connection.evidence: sha256, rows, trailer, minRows).
stable: the file did not change while it was read; it may still have been cut before. partial: it did not see everything.
After a complete read absent accounts end. After a stable one they are marked missing, and end when they are missing again
at least 20 hours later in other content. After a partial one nothing is concluded.`,
  correlation: `Rules in order: one that finds exactly one identity wins; one that finds several asks; a decisive one that finds nobody asks.
Empty values, ignoreValues and values of non-authoritative applications never match. A person's decision always wins:
iqtask account link|unlink|never; what waits: iqtask account questions; why it is so: iqtask why account APP:NAME.`,
  results: `Every run leaves one result: iqtask results, results show ID (latest, TASK@latest, TASK@-2, the beginning of an id).
iqtask results failures groups what was rejected by cause; results diff A B tells what is new and what is mended;
results stats TASK shows counts and times over the runs.`,
  output: `Standard output is the result, standard error everything else. --json gives one document, --output jsonl one line a record,
--output csv, yaml, wide (nothing is cut), --fields a,b. Times are in your zone, which is named; --utc.
Colour needs a terminal: NO_COLOR, --no-color and TERM=dumb switch it off, FORCE_COLOR on. It only repeats what words and signs
say, in the terminal's own sixteen colours, so that it fits a light and a dark one.
On a terminal progress moves; in a pipe there is a line every ten seconds or tenth. For a screen reader: TERM=dumb, or
--progress plain --no-color: nothing moves and nothing is written over. --progress none is silent, --progress jsonl is for programs.`,
  retention: `How long things are kept: retention: { results: 400d, rejects: 90d, images: 90d, gone: 730d } are the defaults; the last thirty
results of each task stay always, and hold: names what stays whatever its age. iqtask results prune removes results, rejects and
before images of that age; the task prune also accounts that are gone; maintenance does it with the rest of the house-keeping.
Each is a plan under the guard deletes; the audit trail is never cut.`,
  resume: `Each chunk of changes is one transaction with its checkpoint. A killed run is found by the next command, marked terminated,
and goes on with iqtask run TASK --resume or iqtask recover, to the very state of an undisturbed run.`,
  undo: `iqtask undo RESULT plans the reverse of a run, with guards and audit of its own. What changed since is named and refused,
unless it is accepted one by one. An undo can be undone.`,
  codes: Object.entries(codes)
    .map(([code, means]) => `  ${code}  ${means}`)
    .join('\n'),
}
