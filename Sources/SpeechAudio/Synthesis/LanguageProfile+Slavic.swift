extension LanguageProfile {
    static let slavic = [russian, ukrainian, polish, czech, slovak, croatian, bulgarian]

    // Where "yesterday was" agrees with the gender of the day, there is no template for it.

    private static let russian = LanguageProfile(
        code: "ru", numberLimit: 999_999,
        dayNames: .ordinals(
            """
            первое второе третье четвёртое пятое шестое седьмое восьмое девятое десятое \
            одиннадцатое двенадцатое тринадцатое четырнадцатое пятнадцатое шестнадцатое \
            семнадцатое восемнадцатое девятнадцатое двадцатое
            """,
            twenties: "двадцать {}",
            units: "первое второе третье четвёртое пятое шестое седьмое восьмое девятое",
            last: ["тридцатое", "тридцать первое"]),
        phrases: .russian,
        templates: [
            .today: "сегодня {weekday}",
            .tomorrow: "завтра {weekday}",
            .month: "месяц называется {month}",
            .country: "страна называется {country}",
            .language: "язык называется {language}",
            .numbered: "номер {number}",
            .page: "страница {small}",
            .room: "комната {small}",
            .sum: "{a} плюс {b} будет {c}",
            .date: "{weekday}, {day} {dateMonth}",
        ])

    private static let ukrainian = LanguageProfile(
        code: "uk", numberLimit: 999_999,
        dayNames: .ordinals(
            """
            перше друге третє четверте пʼяте шосте сьоме восьме девʼяте десяте \
            одинадцяте дванадцяте тринадцяте чотирнадцяте пʼятнадцяте шістнадцяте \
            сімнадцяте вісімнадцяте девʼятнадцяте двадцяте
            """,
            twenties: "двадцять {}",
            units: "перше друге третє четверте пʼяте шосте сьоме восьме девʼяте",
            last: ["тридцяте", "тридцять перше"]),
        phrases: .ukrainian,
        templates: [
            .today: "сьогодні {weekday}",
            .tomorrow: "завтра {weekday}",
            .month: "місяць називається {month}",
            .country: "країна називається {country}",
            .language: "мова називається {language}",
            .numbered: "номер {number}",
            .page: "сторінка {small}",
            .room: "кімната {small}",
            .sum: "{a} плюс {b} буде {c}",
            .date: "{weekday}, {day} {dateMonth}",
        ])

    private static let polish = LanguageProfile(
        code: "pl", numberLimit: 999_999,
        dayNames: .ordinals(
            """
            pierwszy drugi trzeci czwarty piąty szósty siódmy ósmy dziewiąty dziesiąty \
            jedenasty dwunasty trzynasty czternasty piętnasty szesnasty siedemnasty \
            osiemnasty dziewiętnasty dwudziesty
            """,
            twenties: "dwudziesty {}",
            units: "pierwszy drugi trzeci czwarty piąty szósty siódmy ósmy dziewiąty",
            last: ["trzydziesty", "trzydziesty pierwszy"]),
        phrases: .polish,
        templates: [
            .today: "dziś jest {weekday}",
            .tomorrow: "jutro będzie {weekday}",
            .month: "miesiąc nazywa się {month}",
            .country: "kraj nazywa się {country}",
            .language: "język nazywa się {language}",
            .numbered: "numer {number}",
            .page: "strona {small}",
            .room: "pokój {small}",
            .sum: "{a} plus {b} to {c}",
            .date: "{weekday}, {day} {dateMonth}",
        ])

    // From 1000 on the locale data gives the wrong gender; so it does in Slovak and Croatian.
    private static let czech = LanguageProfile(
        code: "cs", numberLimit: 999,
        dayNames: .ordinals(
            """
            prvního druhého třetího čtvrtého pátého šestého sedmého osmého devátého desátého \
            jedenáctého dvanáctého třináctého čtrnáctého patnáctého šestnáctého sedmnáctého \
            osmnáctého devatenáctého dvacátého
            """,
            twenties: "dvacátého {}",
            units: "prvního druhého třetího čtvrtého pátého šestého sedmého osmého devátého",
            last: ["třicátého", "třicátého prvního"]),
        phrases: .czech,
        templates: [
            .today: "dnes je {weekday}",
            .tomorrow: "zítra bude {weekday}",
            .month: "měsíc se jmenuje {month}",
            .country: "země se jmenuje {country}",
            .language: "jazyk se jmenuje {language}",
            .numbered: "číslo {number}",
            .page: "strana {small}",
            .room: "pokoj {small}",
            .sum: "{a} plus {b} je {c}",
            .date: "{weekday} {day} {dateMonth}",
        ])

    // The locale data has a wrong word for 100.
    private static let slovak = LanguageProfile(
        code: "sk", numberLimit: 99,
        dayNames: .ordinals(
            """
            prvého druhého tretieho štvrtého piateho šiesteho siedmeho ôsmeho deviateho \
            desiateho jedenásteho dvanásteho trinásteho štrnásteho pätnásteho šestnásteho \
            sedemnásteho osemnásteho devätnásteho dvadsiateho
            """,
            twenties: "dvadsiateho {}",
            units: "prvého druhého tretieho štvrtého piateho šiesteho siedmeho ôsmeho deviateho",
            last: ["tridsiateho", "tridsiateho prvého"]),
        phrases: .slovak,
        templates: [
            .today: "dnes je {weekday}",
            .tomorrow: "zajtra bude {weekday}",
            .month: "mesiac sa volá {month}",
            .country: "krajina sa volá {country}",
            .language: "jazyk sa volá {language}",
            .numbered: "číslo {number}",
            .page: "strana {small}",
            .room: "izba {small}",
            .sum: "{a} plus {b} je {c}",
            .date: "{weekday} {day} {dateMonth}",
        ])

    private static let croatian = LanguageProfile(
        code: "hr", numberLimit: 999,
        dayNames: .ordinals(
            """
            prvi drugi treći četvrti peti šesti sedmi osmi deveti deseti jedanaesti dvanaesti \
            trinaesti četrnaesti petnaesti šesnaesti sedamnaesti osamnaesti devetnaesti dvadeseti
            """,
            twenties: "dvadeset {}",
            units: "prvi drugi treći četvrti peti šesti sedmi osmi deveti",
            last: ["trideseti", "trideset prvi"]),
        phrases: .croatian,
        templates: [
            .today: "danas je {weekday}",
            .tomorrow: "sutra je {weekday}",
            .month: "mjesec se zove {month}",
            .country: "zemlja se zove {country}",
            .language: "jezik se zove {language}",
            .numbered: "broj {number}",
            .page: "stranica {small}",
            .room: "soba {small}",
            .sum: "{a} plus {b} je {c}",
            .date: "{weekday}, {day} {dateMonth}",
        ])

    private static let bulgarian = LanguageProfile(
        code: "bg", numberLimit: 1999,
        dayNames: .ordinals(
            """
            първи втори трети четвърти пети шести седми осми девети десети единайсети дванайсети \
            тринайсети четиринайсети петнайсети шестнайсети седемнайсети осемнайсети \
            деветнайсети двайсети
            """,
            twenties: "двайсет и {}",
            units: "първи втори трети четвърти пети шести седми осми девети",
            last: ["трийсети", "трийсет и първи"]),
        phrases: .bulgarian,
        templates: [
            .today: "днес е {weekday}",
            .yesterday: "вчера беше {weekday}",
            .tomorrow: "утре е {weekday}",
            .month: "месецът се казва {month}",
            .country: "страната се казва {country}",
            .language: "езикът се казва {language}",
            .numbered: "номер {number}",
            .page: "страница {small}",
            .room: "стая {small}",
            .sum: "{a} плюс {b} е {c}",
            .date: "{weekday}, {day} {dateMonth}",
        ])
}
