/** A name as it is written, and in plain Latin letters for logins and mail. */
export interface NamePart {
  readonly native: string
  readonly latin: string
}

export interface NamePool {
  readonly given: readonly NamePart[]
  readonly family: readonly NamePart[]
}

const pairs = (text: string): NamePart[] =>
  text.split(/\s+/).map((entry) => {
    const [native = '', latin] = entry.split('/')
    return { native, latin: latin ?? latinOf(native) }
  })

const special: Readonly<Record<string, string>> = {
  ä: 'ae',
  ö: 'oe',
  ü: 'ue',
  ß: 'ss',
  ø: 'o',
  æ: 'ae',
  å: 'aa',
  ł: 'l',
  đ: 'd',
  ð: 'd',
  þ: 'th',
  ı: 'i',
}

/** Latin letters without marks. */
export function latinOf(name: string): string {
  const lower = name.normalize('NFC').toLowerCase()
  const spelled = [...lower].map((char) => special[char] ?? char).join('')
  return spelled.normalize('NFD').replace(/[^a-z-]/g, '')
}

const pool = (given: string, family: string): NamePool => ({ given: pairs(given), family: pairs(family) })

/** By language; a slash separates the Latin spelling where the script is another one. */
export const namePools = {
  german: pool(
    'Anna Jürgen Käthe Björn Grete Lukas Sören Mareike Jörg Ulrike Heinz Annegret Tobias Saskia Günter Friederike Malte Jan-Peter Ruth Özlem',
    'Müller Schmidt Weiß Schröder Köhler Groß Jäger Böhm Krüger Vogel Lindner Kühn Hoffmann Strauß Peters Brandt Meier-Lüdenscheidt Otto Fuchs Wendt',
  ),
  norwegian: pool(
    'Åse Bjørn Ingrid Øystein Sølvi Håkon Marit Torbjørn Liv Kåre Gro Eirik',
    'Ødegård Bakke Sørensen Nygård Håland Lie Berg Strøm Dahl Hæreid Moen Vågen',
  ),
  polish: pool(
    'Łukasz Zofia Małgorzata Jędrzej Agnieszka Paweł Żaneta Michał Grażyna Staś',
    'Wójcik Kowalczyk Dąbrowski Zieliński Wiśniewska Jabłoński Król Pawłowska Gąska Łęcki',
  ),
  french: pool(
    'André Zoë Hélène François Aïcha Loïc Maëlle Jérôme Cécile Noël',
    'Lefèvre Dupont Béranger Château Garçon Müntz Hervé Levêque Noailles Ça-Va',
  ),
  vietnamese: pool('Thảo Hương Đức Nguyệt Quỳnh Tuấn Phượng Bảo', 'Nguyễn Trần Phạm Hoàng Đặng Vũ Bùi Đỗ'),
  greek: pool(
    'Νίκος/nikos Ελένη/eleni Γιώργος/giorgos Αθηνά/athina Σοφία/sofia Δημήτρης/dimitris Ζωή/zoi Άρης/aris',
    'Παπαδόπουλος/papadopoulos Ιωάννου/ioannou Βασιλείου/vasileiou Καραγιάννης/karagiannis Οικονόμου/oikonomou Ξένος/xenos Λάμπρου/lamprou',
  ),
  cyrillic: pool(
    'Олена/olena Сергій/serhii Дарья/darya Иван/ivan Ђорђе/djordje Катерина/kateryna Юрій/yurii Любов/lyubov',
    'Шевченко/shevchenko Коваленко/kovalenko Петров/petrov Ђоковић/djokovic Їжак/yizhak Щербак/shcherbak Соловьёва/solovyova Грищенко/hryshchenko',
  ),
  arabic: pool(
    'فاطمة/fatima أحمد/ahmad ليلى/layla يوسف/yusuf مريم/maryam خالد/khalid نور/nour',
    'الحسن/alhasan المصري/almasri حداد/haddad الخطيب/alkhatib منصور/mansour قباني/qabbani',
  ),
  hebrew: pool(
    'נועה/noa יעל/yael דוד/david רחל/rachel איתן/eitan שירה/shira',
    'כהן/cohen לוי/levi מזרחי/mizrahi פרץ/peretz ביטון/biton שפירא/shapira',
  ),
  chinese: pool(
    '伟/wei 芳/fang 秀英/xiuying 敏/min 静/jing 𠮷祥/jixiang 磊/lei 娜/na',
    '王/wang 李/li 张/zhang 刘/liu 陈/chen 欧阳/ouyang 黄/huang 赵/zhao',
  ),
  japanese: pool(
    'さくら/sakura 健太/kenta 陽子/yoko 翔/sho 美咲/misaki ユカ/yuka 大輔/daisuke',
    '佐藤/sato 鈴木/suzuki 髙橋/takahashi 渡邉/watanabe 伊藤/ito 山﨑/yamazaki 小林/kobayashi',
  ),
  korean: pool(
    '서연/seoyeon 민준/minjun 지우/jiwoo 하은/haeun 도윤/doyun 수빈/subin',
    '김/kim 이/lee 박/park 최/choi 정/jung 황보/hwangbo',
  ),
  hindi: pool(
    'प्रिया/priya अर्जुन/arjun लक्ष्मी/lakshmi राहुल/rahul श्रद्धा/shraddha विक्रम/vikram',
    'शर्मा/sharma पटेल/patel सिंह/singh कृष्णन/krishnan द्विवेदी/dwivedi चौधरी/chaudhary',
  ),
  thai: pool(
    'สมชาย/somchai สุดา/suda อรุณ/arun มาลี/malee ณัฐพล/nattapon',
    'ศรีสุข/srisuk ใจดี/jaidee แก้วมณี/kaewmanee ทองดี/thongdee วงศ์สวัสดิ์/wongsawat',
  ),
} as const satisfies Record<string, NamePool>

export type Language = keyof typeof namePools
