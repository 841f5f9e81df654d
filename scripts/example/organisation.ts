import type { Language } from './names.ts'

export const mailDomain = 'example.com'

export interface Department {
  readonly name: string
  readonly short: string
  readonly division: string
  /** Share of the staff, in parts. */
  readonly weight: number
  readonly titles: readonly string[]
}

const department = (name: string, short: string, division: string, weight: number, titles: string): Department => ({
  name,
  short,
  division,
  weight,
  titles: titles.split(', '),
})

export const departments: readonly Department[] = [
  department('Executive Office', 'EXE', 'Corporate', 1, 'Assistant, Chief of Staff'),
  department('Human Resources', 'HR', 'Corporate', 4, 'HR Partner, Recruiter, Payroll Clerk'),
  department('Legal', 'LEG', 'Corporate', 2, 'Counsel, Paralegal'),
  department('Internal Audit', 'AUD', 'Corporate', 1, 'Auditor'),
  department('Accounts Payable', 'AP', 'Finance', 5, 'AP Clerk, AP Specialist'),
  department('Accounts Receivable', 'AR', 'Finance', 4, 'AR Clerk, Dunning Clerk'),
  department('Controlling', 'CO', 'Finance', 4, 'Controller, Analyst'),
  department('Treasury', 'TR', 'Finance', 2, 'Treasurer, Cash Manager'),
  department('Procurement', 'PU', 'Operations', 6, 'Buyer, Category Manager'),
  department('Logistics', 'LO', 'Operations', 12, 'Warehouse Clerk, Forklift Driver, Dispatcher'),
  department('Production', 'PR', 'Operations', 26, 'Machine Operator, Shift Planner, Quality Inspector'),
  department('Maintenance', 'MA', 'Operations', 6, 'Electrician, Mechanic'),
  department('Sales', 'SA', 'Market', 14, 'Account Manager, Sales Engineer, Sales Assistant'),
  department('Marketing', 'MK', 'Market', 4, 'Editor, Designer, Campaign Manager'),
  department('Customer Service', 'CS', 'Market', 9, 'Agent, Service Engineer'),
  department('Research & Development', 'RD', 'Technology', 14, 'Engineer, Scientist, "Fellow"'),
  department('IT Operations', 'IT', 'Technology', 6, 'Administrator, Network Engineer, Service Desk Agent'),
  department('Information Security', 'SEC', 'Technology', 2, 'Security Engineer, IAM Specialist'),
]

export interface Site {
  readonly name: string
  readonly short: string
  readonly country: string
  readonly weight: number
  readonly languages: readonly Language[]
}

const site = (name: string, short: string, country: string, weight: number, ...languages: Language[]): Site => ({
  name,
  short,
  country,
  weight,
  languages,
})

export const sites: readonly Site[] = [
  site('Berlin', 'BER', 'DE', 24, 'german', 'german', 'german', 'vietnamese', 'french'),
  site('Düsseldorf', 'DUS', 'DE', 16, 'german', 'german', 'polish', 'japanese'),
  site('Oslo', 'OSL', 'NO', 6, 'norwegian'),
  site('Bergen', 'BGO', 'NO', 3, 'norwegian'),
  site('Kraków', 'KRK', 'PL', 10, 'polish', 'polish', 'cyrillic'),
  site('Paris', 'PAR', 'FR', 6, 'french'),
  site('Αθήνα', 'ATH', 'GR', 5, 'greek'),
  site('Київ', 'IEV', 'UA', 6, 'cyrillic'),
  site('القاهرة', 'CAI', 'EG', 5, 'arabic'),
  site('תל אביב', 'TLV', 'IL', 4, 'hebrew'),
  site('上海', 'SHA', 'CN', 6, 'chinese'),
  site('東京', 'TYO', 'JP', 5, 'japanese'),
  site('서울', 'SEL', 'KR', 4, 'korean'),
  site('पुणे', 'PNQ', 'IN', 6, 'hindi'),
  site('กรุงเทพฯ', 'BKK', 'TH', 4, 'thai'),
]

/** One member of the list by weight; `at` in [0, 1). */
export function byWeight<T extends { readonly weight: number }>(list: readonly T[], at: number): T {
  let rest = at * list.reduce((sum, entry) => sum + entry.weight, 0)
  for (const entry of list) {
    rest -= entry.weight
    if (rest < 0) return entry
  }
  throw new RangeError('nothing to choose from')
}
