extension LanguageProfile {
    static let others = [
        greek, finnish, estonian, hungarian, turkish, indonesian, vietnamese, swahili, hindi,
        chinese,
    ]

    // From 2000 on the locale data misspells "thousands". Days are feminine, as in speech.
    private static let greek = LanguageProfile(
        code: "el", numberLimit: 1999,
        dayNames: .ordinals(
            """
            πρώτη δύο τρεις τέσσερις πέντε έξι επτά οκτώ εννέα δέκα έντεκα δώδεκα δεκατρείς \
            δεκατέσσερις δεκαπέντε δεκαέξι δεκαεπτά δεκαοκτώ δεκαεννέα είκοσι
            """,
            twenties: "είκοσι {}",
            units: "μία δύο τρεις τέσσερις πέντε έξι επτά οκτώ εννέα",
            last: ["τριάντα", "τριάντα μία"]),
        phrases: .greek,
        templates: [
            .today: "σήμερα είναι {weekday}",
            .yesterday: "χθες ήταν {weekday}",
            .tomorrow: "αύριο είναι {weekday}",
            .month: "ο μήνας λέγεται {month}",
            .country: "η χώρα λέγεται {country}",
            .language: "η γλώσσα λέγεται {language}",
            .numbered: "αριθμός {number}",
            .page: "σελίδα {small}",
            .room: "δωμάτιο {small}",
            .sum: "{a} συν {b} κάνουν {c}",
            .date: "{weekday} {day} {dateMonth}",
        ])

    private static let finnish = LanguageProfile(
        code: "fi", numberLimit: 999_999,
        dayNames: .ordinals(
            """
            ensimmäinen toinen kolmas neljäs viides kuudes seitsemäs kahdeksas yhdeksäs kymmenes \
            yhdestoista kahdestoista kolmastoista neljästoista viidestoista kuudestoista \
            seitsemästoista kahdeksastoista yhdeksästoista kahdeskymmenes
            """,
            twenties: "kahdeskymmenes{}",
            units: "ensimmäinen toinen kolmas neljäs viides kuudes seitsemäs kahdeksas yhdeksäs",
            last: ["kolmaskymmenes", "kolmaskymmenesensimmäinen"]),
        phrases: .finnish,
        templates: [
            .today: "tänään on {weekday}",
            .yesterday: "eilen oli {weekday}",
            .tomorrow: "huomenna on {weekday}",
            .month: "kuukauden nimi on {month}",
            .country: "maan nimi on {country}",
            .language: "kielen nimi on {language}",
            .numbered: "numero {number}",
            .page: "sivu {small}",
            .room: "huone {small}",
            .sum: "{a} plus {b} on {c}",
            .date: "{weekday}, {day} {dateMonth}",
        ])

    private static let estonian = LanguageProfile(
        code: "et", numberLimit: 999,
        dayNames: .ordinals(
            """
            esimene teine kolmas neljas viies kuues seitsmes kaheksas üheksas kümnes \
            üheteistkümnes kaheteistkümnes kolmeteistkümnes neljateistkümnes viieteistkümnes \
            kuueteistkümnes seitsmeteistkümnes kaheksateistkümnes üheksateistkümnes kahekümnes
            """,
            twenties: "kahekümne {}",
            units: "esimene teine kolmas neljas viies kuues seitsmes kaheksas üheksas",
            last: ["kolmekümnes", "kolmekümne esimene"]),
        phrases: .estonian,
        templates: [
            .today: "täna on {weekday}",
            .yesterday: "eile oli {weekday}",
            .tomorrow: "homme on {weekday}",
            .month: "kuu nimi on {month}",
            .country: "riigi nimi on {country}",
            .language: "keele nimi on {language} keel",
            .numbered: "number {number}",
            .page: "lehekülg {small}",
            .room: "tuba {small}",
            .sum: "{a} pluss {b} on {c}",
            .date: "{weekday}, {day} {dateMonth}",
        ])

    // Pages and rooms take ordinals, and are left out.
    private static let hungarian = LanguageProfile(
        code: "hu", numberLimit: 1999,
        dayNames: .ordinals(
            """
            elseje másodika harmadika negyedike ötödike hatodika hetedike nyolcadika kilencedike \
            tizedike tizenegyedike tizenkettedike tizenharmadika tizennegyedike tizenötödike \
            tizenhatodika tizenhetedike tizennyolcadika tizenkilencedike huszadika
            """,
            twenties: "huszon{}",
            units: """
                egyedike kettedike harmadika negyedike ötödike hatodika hetedike nyolcadika \
                kilencedike
                """,
            last: ["harmincadika", "harmincegyedike"]),
        phrases: .hungarian,
        templates: [
            .today: "ma {weekday} van",
            .yesterday: "tegnap {weekday} volt",
            .tomorrow: "holnap {weekday} lesz",
            .month: "a hónap neve {month}",
            .country: "az ország neve {country}",
            .language: "a nyelv neve {language}",
            .sum: "{a} meg {b} az {c}",
            .date: "{dateMonth} {day}, {weekday}",
        ])

    private static let turkish = LanguageProfile(
        code: "tr", numberLimit: 999_999,
        phrases: .turkish,
        templates: [
            .today: "bugün günlerden {weekday}",
            .tomorrow: "yarın günlerden {weekday}",
            .month: "ayın adı {month}",
            .country: "ülkenin adı {country}",
            .language: "dilin adı {language}",
            .numbered: "numara {number}",
            .page: "sayfa {small}",
            .room: "oda {small}",
            .sum: "{a} artı {b} eşittir {c}",
            .date: "{day} {dateMonth} {weekday}",
            .dateWithYear: "{day} {dateMonth} {year} {weekday}",
        ])

    private static let indonesian = LanguageProfile(
        code: "id", numberLimit: 999_999,
        phrases: .indonesian,
        templates: [
            .today: "hari ini hari {weekday}",
            .yesterday: "kemarin hari {weekday}",
            .tomorrow: "besok hari {weekday}",
            .month: "nama bulan itu adalah {month}",
            .country: "nama negara itu adalah {country}",
            .language: "nama bahasa itu adalah {language}",
            .numbered: "nomor {number}",
            .page: "halaman {small}",
            .room: "kamar {small}",
            .sum: "{a} ditambah {b} sama dengan {c}",
            .date: "{weekday}, {day} {dateMonth}",
            .dateWithYear: "{weekday}, {day} {dateMonth} {year}",
        ])

    private static let vietnamese = LanguageProfile(
        code: "vi", numberLimit: 999_999,
        monthNames: [
            "tháng một", "tháng hai", "tháng ba", "tháng tư", "tháng năm", "tháng sáu",
            "tháng bảy", "tháng tám", "tháng chín", "tháng mười", "tháng mười một",
            "tháng mười hai",
        ],
        phrases: .vietnamese,
        templates: [
            .today: "hôm nay là {weekday}",
            .yesterday: "hôm qua là {weekday}",
            .tomorrow: "ngày mai là {weekday}",
            .country: "tên nước là {country}",
            .language: "tên ngôn ngữ là {language}",
            .numbered: "số {number}",
            .page: "trang {small}",
            .room: "phòng {small}",
            .sum: "{a} cộng {b} bằng {c}",
            .date: "{weekday}, ngày {day} {dateMonth}",
        ])

    private static let swahili = LanguageProfile(
        code: "sw", numberLimit: 999,
        phrases: .swahili,
        templates: [
            .today: "leo ni {weekday}",
            .yesterday: "jana ilikuwa {weekday}",
            .tomorrow: "kesho ni {weekday}",
            .month: "mwezi unaitwa {month}",
            .country: "nchi inaitwa {country}",
            .language: "lugha inaitwa {language}",
            .numbered: "nambari {number}",
            .room: "chumba nambari {small}",
            .sum: "{a} jumlisha {b} ni {c}",
            .date: "{weekday}, tarehe {day} {dateMonth}",
        ])

    private static let hindi = LanguageProfile(
        code: "hi", numberLimit: 999_999,
        phrases: .hindi,
        templates: [
            .today: "आज {weekday} है",
            .yesterday: "कल {weekday} था",
            .tomorrow: "कल {weekday} होगा",
            .month: "महीने का नाम {month} है",
            .country: "देश का नाम {country} है",
            .language: "भाषा का नाम {language} है",
            .numbered: "नंबर {number}",
            .page: "पृष्ठ {small}",
            .room: "कमरा {small}",
            .sum: "{a} जमा {b} बराबर {c}",
            .date: "{weekday}, {day} {dateMonth}",
            .dateWithYear: "{weekday}, {day} {dateMonth} {year}",
        ])

    private static let chinese = LanguageProfile(
        code: "zh", voice: "cmn", numberLimit: 999_999, digitSeparator: "", clauseSeparator: "，",
        // The spelled-out zero of running text.
        replacements: ["〇": "零"],
        phrases: .chinese,
        templates: [
            .today: "今天是{weekday}",
            .yesterday: "昨天是{weekday}",
            .tomorrow: "明天是{weekday}",
            .country: "这个国家叫{country}",
            .language: "这种语言叫{language}",
            .page: "第{small}页",
            .room: "{small}号房间",
            .sum: "{a}加{b}等于{c}",
            .date: "{dateMonth}{day}号{weekday}",
        ])
}
