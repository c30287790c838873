extension LanguageProfile {
    static let romance = [spanish, french, italian, portuguese, catalan, romanian]

    private static let spanish = LanguageProfile(
        code: "es", numberLimit: 999_999,
        phrases: .spanish,
        templates: [
            .today: "hoy es {weekday}",
            .yesterday: "ayer fue {weekday}",
            .tomorrow: "mañana es {weekday}",
            .month: "el mes se llama {month}",
            .country: "el país se llama {country}",
            .language: "el idioma se llama {language}",
            .numbered: "número {number}",
            .page: "página {small}",
            .room: "habitación {small}",
            .sum: "{a} más {b} son {c}",
            .date: "{weekday} {day} de {dateMonth}",
            .dateWithYear: "{weekday} {day} de {dateMonth} de {year}",
        ])

    private static let french = LanguageProfile(
        code: "fr", voice: "fr-fr", numberLimit: 999_999, dayNames: .cardinal(first: "premier"),
        phrases: .french,
        templates: [
            .today: "aujourd'hui, c'est {weekday}",
            .yesterday: "hier, c'était {weekday}",
            .tomorrow: "demain, c'est {weekday}",
            .month: "le mois s'appelle {month}",
            .country: "le pays s'appelle {country}",
            .language: "la langue s'appelle {language}",
            .numbered: "numéro {number}",
            .page: "page {small}",
            .room: "chambre {small}",
            .sum: "{a} plus {b} égale {c}",
            .date: "{weekday} {day} {dateMonth}",
            .dateWithYear: "{weekday} {day} {dateMonth} {year}",
        ])

    private static let italian = LanguageProfile(
        code: "it", numberLimit: 999_999, dayNames: .cardinal(first: "primo"),
        phrases: .italian,
        templates: [
            .today: "oggi è {weekday}",
            .yesterday: "ieri era {weekday}",
            .tomorrow: "domani è {weekday}",
            .month: "il mese si chiama {month}",
            .country: "il paese si chiama {country}",
            .language: "la lingua si chiama {language}",
            .numbered: "numero {number}",
            .page: "pagina {small}",
            .room: "camera {small}",
            .sum: "{a} più {b} fa {c}",
            .date: "{weekday} {day} {dateMonth}",
            .dateWithYear: "{weekday} {day} {dateMonth} {year}",
        ])

    // The locale data is Brazilian, and so is the voice.
    private static let portuguese = LanguageProfile(
        code: "pt", voice: "pt-br", numberLimit: 999_999, dayNames: .cardinal(first: "primeiro"),
        phrases: .portuguese,
        templates: [
            .today: "hoje é {weekday}",
            .yesterday: "ontem foi {weekday}",
            .tomorrow: "amanhã é {weekday}",
            .month: "o mês se chama {month}",
            .country: "o país se chama {country}",
            .language: "a língua se chama {language}",
            .numbered: "número {number}",
            .page: "página {small}",
            .room: "quarto {small}",
            .sum: "{a} mais {b} é igual a {c}",
            .date: "{weekday}, {day} de {dateMonth}",
            .dateWithYear: "{weekday}, {day} de {dateMonth} de {year}",
        ])

    // Above 199 the locale data leaves out a plural ending. Months come with their preposition.
    private static let catalan = LanguageProfile(
        code: "ca", numberLimit: 199,
        phrases: .catalan,
        templates: [
            .today: "avui és {weekday}",
            .yesterday: "ahir va ser {weekday}",
            .tomorrow: "demà és {weekday}",
            .month: "el mes es diu {month}",
            .country: "el país es diu {country}",
            .language: "la llengua es diu {language}",
            .numbered: "número {number}",
            .page: "pàgina {small}",
            .room: "habitació {small}",
            .sum: "{a} més {b} fan {c}",
            .date: "{weekday} {day} {dateMonth}",
            .dateWithYear: "{weekday} {day} {dateMonth} de {year}",
        ])

    private static let romanian = LanguageProfile(
        code: "ro", numberLimit: 999, dayNames: .cardinal(first: "întâi"),
        // The locale data mixes letters with cedilla and the correct ones with comma.
        replacements: ["ş": "ș", "ţ": "ț"],
        phrases: .romanian,
        templates: [
            .today: "astăzi este {weekday}",
            .yesterday: "ieri a fost {weekday}",
            .tomorrow: "mâine este {weekday}",
            .month: "luna se numește {month}",
            .country: "țara se numește {country}",
            .language: "limba se numește {language}",
            .numbered: "numărul {number}",
            .page: "pagina {small}",
            .room: "camera {small}",
            .sum: "{a} plus {b} fac {c}",
            .date: "{weekday} {day} {dateMonth}",
            .dateWithYear: "{weekday} {day} {dateMonth} {year}",
        ])
}
