// Words of the front page.
import type { Words } from '../../ui/words.ts'

export const frontWords: Words = {
  title: ['CTID: prove who you are, give nothing away', 'CTID：证明你是你，不交出你的信息'],
  description: [
    'An open reference implementation of trusted digital identity, with its privacy promises kept by mathematics.',
    '可信数字身份的开放参考实现：隐私承诺由数学来兑现。',
  ],
  'hero.eyebrow': ['Open reference implementation', '开放参考实现'],
  'hero.title': ['Prove who you are.\nGive nothing away.', '证明你是你，\n不交出你的信息。'],
  'hero.lede': [
    'An identity document becomes a token that no one can turn back, tied one-to-one to its legal record. What you show is a code that lives thirty seconds and says only what is needed.',
    '法定证件化为一枚任何人都无法还原的网证标识，与法定记录一一对应。你出示的，只是一个三十秒有效、只说必要之事的二维码。',
  ],
  'door.citizen': ['Be a citizen', '做一位居民'],
  'door.citizen.text': ['Enrol, receive the CTID file, show a code.', '登记、领取网证、出示二维码。'],
  'door.verifier': ['Be a verifier', '做一次核验'],
  'door.verifier.text': ['Scan it, also without a network.', '扫码核验，断网也行。'],
  'door.authority': ['Be the authority', '看管理机关所见'],
  'door.authority.text': [
    'Freeze, revoke, rotate keys. Nothing to read.',
    '冻结、撤销、轮换密钥，无从窥看。',
  ],
  'door.health': ['See a health status', '看一个健康状态'],
  'door.health.text': [
    'With reasons, an end, a way back and an appeal.',
    '有理由、有期限、有转绿路径、可申诉。',
  ],
  'door.desk': ['Sit at the health desk', '坐到卫健窗口'],
  'door.desk.text': ['Sign findings. No button sets a colour.', '签署结论，没有设置颜色的按钮。'],
  'door.departments': ['Join two departments', '汇聚两个部门'],
  'door.departments.text': [
    'With purpose, trustees and receipt, or not.',
    '有目的、有受托方、有回执，否则不行。',
  ],
  'door.open': ['Bring your own wallet', '自带卡包'],
  'door.open.text': [
    'Open protocols: fetch and show with this browser or your phone.',
    '开放协议：用本浏览器或手机领取与出示。',
  ],
  'door.log': ['Audit everything', '审计一切'],
  'door.log.text': ['Verify the log here, and try to cheat.', '在此验证日志，并试着作弊。'],
  'door.labs': ['Attack it yourself', '亲手攻击'],
  'door.labs.text': ['Twelve attacks on two designs: a course.', '十二种攻击，两种设计：一门课程。'],

  'picture.title': ['The whole system in one picture', '一图看懂整个系统'],
  'picture.hint': [
    'Choose a party to see what it learns, and what it cannot learn.',
    '点选任一方，查看它能知道什么、无法知道什么。',
  ],
  'picture.plain': ['Plain data exists only here', '明文只存在于这里'],
  'picture.sees': ['Sees', '能看到'],
  'picture.not': ['Cannot see', '看不到'],
  'picture.party': ['Party', '参与方'],
  'picture.table': ['The same as a table', '以表格查看'],
  'flow.document': ['number', '证件号'],
  'flow.registrar': ['blinded', '盲化'],
  'flow.evaluators': ['anchor', '锚点'],
  'flow.registry': ['token, never shown', '标识，从不出示'],
  'flow.issuer': ['one-time copies', '一次性副本'],
  'flow.wallet': ['signs, 30 s', '签名，30 秒'],
  'flow.code': ['offline', '可离线'],

  'document.name': ['Document', '法定证件'],
  'document.role': ['Resident ID, passport, permit, company code', '身份证、护照、居留证、统一社会信用代码'],
  'document.sees': [
    'Carries name, number and validity. It stays with its owner.',
    '载有姓名、号码、有效期，由本人保管。',
  ],
  'document.not': [
    'Nothing of it is copied into a code, a log or a database in the clear.',
    '其内容不会以明文进入任何二维码、日志或数据库。',
  ],
  'registrar.name': ['Registrar', '登记窗口'],
  'registrar.role': ['Checks the document, blinds its number', '核对证件，盲化号码'],
  'registrar.sees': ['The document, while the person is enrolled.', '仅在登记时看到证件。'],
  'registrar.not': [
    'Any part of the token key. Where the person later shows a code.',
    '标识密钥的任何部分；此人日后在哪里出示。',
  ],
  'evaluators.name': ['Three evaluators', '三方求值机构'],
  'evaluators.role': ['Two of three must agree; each proves its work', '三中取二，各自出具证明'],
  'evaluators.sees': [
    'A point that looks random, and how many times each registrar asked.',
    '一个看似随机的点，以及每个登记窗口请求的次数。',
  ],
  'evaluators.not': [
    'The number, the person, the result. No one holds the whole key: it never existed in one place.',
    '号码、本人、结果。没有人持有完整密钥：它从未在任何一处存在过。',
  ],
  'registry.name': ['Registry', '登记库'],
  'registry.role': ['One record, one token, in both directions', '一份记录，一枚标识，双向唯一'],
  'registry.sees': [
    'Random-looking tokens beside sealed records, and their state.',
    '随机样的标识、密封的记录，以及状态。',
  ],
  'registry.not': [
    'What is in a record, without the vault key, a reason and an entry in the log. Where anyone shows a code.',
    '记录内容：没有保险库密钥、事由和留痕就打不开；任何人在何处出示。',
  ],
  'issuer.name': ['Issuer', '签发机构'],
  'issuer.role': ['Signs the CTID file in one-time copies', '签发网证的一次性副本'],
  'issuer.sees': [
    'The keys of a device, and that its owner is enrolled.',
    '设备的公钥，以及持有人已登记这一事实。',
  ],
  'issuer.not': ['When, where or to whom a copy is shown.', '副本何时、何地、向谁出示。'],
  'wallet.name': ['Wallet', '卡包'],
  'wallet.role': ['Keys that cannot leave the device', '密钥无法离开设备'],
  'wallet.sees': [
    'Its own file and its own history. It decides what is shown.',
    '自己的网证与自己的出示记录；由本人决定出示什么。',
  ],
  'wallet.not': ['Even the owner cannot copy the keys out of it.', '连本人也无法把密钥复制出来。'],
  'code.name': ['Code', '动态码'],
  'code.role': ['Two signatures and thirty seconds', '两重签名，三十秒有效'],
  'code.sees': [
    'A handle used once, a time, an expiry, the kind of person or status.',
    '一次性句柄、时间、有效期、身份类别或状态。',
  ],
  'code.not': [
    'Name, number, token. Two codes of one person have nothing in common.',
    '姓名、号码、标识。同一人的两个码没有任何共同之处。',
  ],
  'verifier.name': ['Verifier', '核验方'],
  'verifier.role': ['Checks everything, calls nobody', '全部自行核验，无需联网'],
  'verifier.sees': [
    'Genuine or not, fresh or not, and what the owner chose to show.',
    '真伪、是否新鲜，以及本人选择出示的内容。',
  ],
  'verifier.not': [
    'The token, the number, or anything that another verifier could match.',
    '标识、号码，或任何可与其他核验方比对的东西。',
  ],
  'departments.name': ['Departments and trustees', '各部门与受托方'],
  'departments.role': [
    'Each department knows the citizen by a pseudonym of its own; two of three trustees join them, for a signed purpose',
    '各部门以各自的假名认识居民；三个受托方中的两个，凭签名的目的才能汇聚',
  ],
  'departments.sees': [
    'A department: its own pseudonyms and its own fields. A trustee: the purpose, and encrypted rows.',
    '部门：自己的假名与自己的字段。受托方：目的，以及密文行。',
  ],
  'departments.not': [
    'What another department knows, or who it is there. No conversion goes unseen by the citizen.',
    '其他部门知道什么、此人在那里是谁。任何转换都瞒不过居民本人。',
  ],
  'log.name': ['Log and witnesses', '透明日志与见证方'],
  'log.role': [
    'Beneath it all: an append-only record of commitments that nobody can rewrite unseen',
    '位于底层：只增不改的承诺记录，任何改写都会被发现',
  ],
  'log.sees': [
    'Commitments: that something was registered, rotated, revoked, converted.',
    '承诺值：有登记、轮换、撤销、转换发生。',
  ],
  'log.not': [
    'Whom it concerns. Only the person holds the opening.',
    '涉及何人。打开承诺的钥匙只在本人手中。',
  ],

  'guarantees.title': ['Ten guarantees', '十项保证'],
  'guarantees.lede': [
    'Each is defined in the specification, tested in the code, and open to attack by anyone.',
    '每一项都有规范定义、代码测试，并欢迎任何人来攻击。',
  ],
  'g1.name': ['Irreversible', '不可逆'],
  'g1.text': [
    'Without two of three key holders no one, no insider either, can test a single guess offline.',
    '没有三方中的两方，任何人（包括内部人员）都无法离线验证哪怕一次猜测。',
  ],
  'g1.why': [
    'An ID number has fewer than 2³⁸ values: a plain hash falls in hours.',
    '身份证号少于 2³⁸ 种取值：普通哈希数小时即破。',
  ],
  'g2.name': ['One-to-one', '一一对应'],
  'g2.text': [
    'One record has one token, one token one record, and anyone can audit it.',
    '一份记录一枚标识，一枚标识一份记录，任何人均可审计。',
  ],
  'g2.why': ['Duplicate and ghost identities.', '针对：重复身份与幽灵身份。'],
  'g3.name': ['No plaintext', '无明文'],
  'g3.text': [
    'Outside the sealed vault no database, log, code or error message holds personal data.',
    '密封保险库之外，数据库、日志、二维码、报错中都没有个人信息。',
  ],
  'g3.why': ['Mass leaks.', '针对：大规模泄露。'],
  'g4.name': ['Unlinkable', '不可关联'],
  'g4.text': [
    'Two verifiers, or two departments, cannot join what they saw.',
    '两家核验方或两个部门，无法把各自所见拼到一起。',
  ],
  'g4.why': ['One number for everything.', '针对：一个号码走天下。'],
  'g5.name': ['No silent fusion', '不得暗中汇聚'],
  'g5.text': [
    'Departments join data only through all trustees, blindly, with a receipt the citizen can read.',
    '部门间汇聚数据，须经全体受托方，全程盲化，并留下居民可读的回执。',
  ],
  'g5.why': ['Silos opened without the citizen knowing.', '针对：背着当事人打通数据。'],
  'g6.name': ['Fresh and offline', '新鲜且可离线'],
  'g6.text': [
    'Verified in milliseconds without a network. A screenshot or a replay is refused.',
    '断网也能毫秒级核验；截图与重放一律拒绝。',
  ],
  'g6.why': ['Static codes, and a central log of every check.', '针对：静态码，以及对每次核验的集中留痕。'],
  'g7.name': ['No hand-painted colour', '不得人为赋色'],
  'g7.text': [
    'A health colour follows from signed evidence, signed rules and the clock. No call sets one.',
    '健康状态颜色只由签名证据、签名规则与时钟推出，没有“设置颜色”的接口。',
  ],
  'g7.why': ['Henan 2022: 1,317 depositors turned red by order.', '针对：2022 年河南 1317 名储户被赋红码。'],
  'g8.name': ['Explained and contestable', '有理由、可申诉'],
  'g8.text': [
    'Each status has reasons, an end date, a way back to green, and a way to appeal.',
    '每个状态都有理由、截止日期、转绿路径与申诉途径。',
  ],
  'g8.why': ['Opaque rules, no appeal, codes that never end.', '针对：规则不明、无处申诉、永不退场。'],
  'g9.name': ['Nobody left out', '不落下任何人'],
  'g9.text': [
    'Paper and assisted use give the same answer as a phone. Colour is never the only sign.',
    '纸质与代办得到与手机相同的结果；颜色从不是唯一标志。',
  ],
  'g9.why': ['The elderly locked out.', '针对：老年人被拒之门外。'],
  'g10.name': ['Nothing lost', '不丢一条'],
  'g10.text': [
    'Every acknowledged write survives a crash. Every refusal says why.',
    '每一次确认的写入都能经受崩溃；每一次拒绝都说明原因。',
  ],
  'g10.why': ['Outages and silent drops.', '针对：宕机与悄然丢失。'],
}
