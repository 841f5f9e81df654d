import { z } from 'zod'
import { sendHttp } from './http.ts'
import { defineNotifier, type Message, type Notifier } from './notifier.ts'
import { subjectOf, textOf } from './text.ts'

const settings = z.strictObject({ url: z.string() })

/** A chat's incoming webhook: its URL is the secret. */
const chat = (name: string, summary: string, shape: (message: Message) => unknown): Notifier =>
  defineNotifier({
    name,
    summary,
    settings,
    async send({ url }, message, { signal }) {
      const body = JSON.stringify(shape(message))
      await sendHttp({ url, method: 'POST', headers: { 'content-type': 'application/json' }, body, signal })
    },
  })

/** What Slack reads as markup or a mention stays text. */
const plain = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
const fence = (text: string): string => text.replaceAll('```', "'''")

/** Limits of the two: 40,000 characters, 28 KiB. */
const most = 12_000
const short = (text: string): string => (text.length <= most ? text : `${text.slice(0, most)}\n…`)

export const slack = chat('slack', "POST to a Slack incoming webhook, or what takes Slack's shape", (message) => ({
  text: `*${plain(subjectOf(message))}*\n\`\`\`${plain(fence(short(textOf(message))))}\`\`\``,
}))

export const teams = chat('teams', 'POST an adaptive card to a Teams workflow', (message) => ({
  type: 'message',
  attachments: [
    {
      contentType: 'application/vnd.microsoft.card.adaptive',
      content: {
        $schema: 'http://adaptivecards.io/schemas/adaptive-card.json',
        type: 'AdaptiveCard',
        version: '1.4',
        body: [
          { type: 'RichTextBlock', inlines: [{ type: 'TextRun', text: subjectOf(message), weight: 'bolder' }] },
          {
            type: 'RichTextBlock',
            inlines: [{ type: 'TextRun', text: short(textOf(message)), fontType: 'monospace' }],
          },
        ],
      },
    },
  ],
}))
