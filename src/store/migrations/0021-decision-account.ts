/** An account that is removed looks for the decisions about it: the partial indexes do not serve there, so that each walked through all of them. */
export const decisionAccount = 'create index decision_account on decision(account_id);\n'
