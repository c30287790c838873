extension PhraseBook {
    static let english = PhraseBook(
        actions: """
            reads a book
            drinks water
            drinks tea
            eats bread
            sleeps
            sings a song
            writes a letter
            works in the garden
            cooks soup
            listens to music
            opens the window
            closes the door
            goes home
            buys flowers
            """,
        and: " and ", but: ", but ",
        templates: [
            .price: "it costs {amount}",
            .distance: "the distance is {count} kilometers",
            .weight: "the suitcase weighs {count} kilograms",
            .temperature: "it is {count} degrees today",
            .duration: "the journey takes {count} minutes",
            .pages: "the book has {count} pages",
            .age: "{person} is {count} years old",
            .speaks: "{person} speaks {language}",
            .trip: "{person} walks {count} kilometers, but {other} waits {minutes} minutes",
            .abroad:
                "the country is called {country}, {person} lives there and {other} works there",
            .shopping: "{person} buys a book, it costs {amount}",
        ])

    static let german = PhraseBook(
        actions: """
            liest ein Buch
            trinkt Wasser
            trinkt Tee
            isst Brot
            schläft
            singt ein Lied
            schreibt einen Brief
            arbeitet im Garten
            kocht Suppe
            hört Musik
            öffnet das Fenster
            schließt die Tür
            geht nach Hause
            kauft Blumen
            """,
        and: " und ", but: ", aber ",
        templates: [
            .price: "das kostet {amount}",
            .distance: "die Entfernung beträgt {count} Kilometer",
            .weight: "der Koffer wiegt {count} Kilogramm",
            .temperature: "heute sind es {count} Grad",
            .duration: "die Reise dauert {count} Minuten",
            .pages: "das Buch hat {count} Seiten",
            .age: "{person} ist {count} Jahre alt",
            .speaks: "{person} spricht {language}",
            .trip: "{person} geht {count} Kilometer, aber {other} wartet {minutes} Minuten",
            .abroad: "das Land heißt {country}, {person} wohnt dort und {other} arbeitet dort",
            .shopping: "{person} kauft ein Buch, es kostet {amount}",
        ])

    static let dutch = PhraseBook(
        actions: """
            leest een boek
            drinkt water
            drinkt thee
            eet brood
            slaapt
            zingt een lied
            schrijft een brief
            werkt in de tuin
            kookt soep
            luistert naar muziek
            opent het raam
            sluit de deur
            gaat naar huis
            koopt bloemen
            """,
        and: " en ", but: ", maar ",
        templates: [
            .price: "het kost {amount}",
            .distance: "de afstand is {count} kilometer",
            .weight: "de koffer weegt {count} kilogram",
            .temperature: "het is vandaag {count} graden",
            .duration: "de reis duurt {count} minuten",
            .pages: "het boek heeft {count} bladzijden",
            .age: "{person} is {count} jaar oud",
            .speaks: "{person} spreekt {language}",
            .trip: "{person} loopt {count} kilometer, maar {other} wacht {minutes} minuten",
            .abroad: "het land heet {country}, {person} woont daar en {other} werkt daar",
            .shopping: "{person} koopt een boek, het kost {amount}",
        ])

    static let swedish = PhraseBook(
        actions: """
            läser en bok
            dricker vatten
            dricker te
            äter bröd
            sover
            sjunger en sång
            skriver ett brev
            arbetar i trädgården
            lagar soppa
            lyssnar på musik
            öppnar fönstret
            stänger dörren
            går hem
            köper blommor
            """,
        and: " och ", but: ", men ",
        templates: [
            .price: "det kostar {amount}",
            .distance: "avståndet är {count} kilometer",
            .weight: "resväskan väger {count} kilo",
            .temperature: "det är {count} grader i dag",
            .duration: "resan tar {count} minuter",
            .pages: "boken har {count} sidor",
            .age: "{person} är {count} år gammal",
            .speaks: "{person} talar {language}",
            .trip: "{person} går {count} kilometer, men {other} väntar {minutes} minuter",
            .abroad: "landet heter {country}, {person} bor där och {other} arbetar där",
            .shopping: "{person} köper en bok, den kostar {amount}",
        ])

    static let danish = PhraseBook(
        actions: """
            læser en bog
            drikker vand
            drikker te
            spiser brød
            sover
            synger en sang
            skriver et brev
            arbejder i haven
            laver suppe
            lytter til musik
            åbner vinduet
            lukker døren
            går hjem
            køber blomster
            """,
        and: " og ", but: ", men ",
        templates: [
            .price: "det koster {amount}",
            .distance: "afstanden er {count} kilometer",
            .weight: "kufferten vejer {count} kilo",
            .temperature: "det er {count} grader i dag",
            .duration: "rejsen tager {count} minutter",
            .pages: "bogen har {count} sider",
            .age: "{person} er {count} år gammel",
            .speaks: "{person} taler {language}",
            .trip: "{person} går {count} kilometer, men {other} venter {minutes} minutter",
            .abroad: "landet hedder {country}, {person} bor der, og {other} arbejder der",
            .shopping: "{person} køber en bog, den koster {amount}",
        ])

    static let norwegian = PhraseBook(
        actions: """
            leser en bok
            drikker vann
            drikker te
            spiser brød
            sover
            synger en sang
            skriver et brev
            arbeider i hagen
            lager suppe
            lytter til musikk
            åpner vinduet
            lukker døren
            går hjem
            kjøper blomster
            """,
        and: " og ", but: ", men ",
        templates: [
            .price: "det koster {amount}",
            .distance: "avstanden er {count} kilometer",
            .weight: "kofferten veier {count} kilo",
            .temperature: "det er {count} grader i dag",
            .duration: "reisen tar {count} minutter",
            .pages: "boken har {count} sider",
            .age: "{person} er {count} år gammel",
            .speaks: "{person} snakker {language}",
            .trip: "{person} går {count} kilometer, men {other} venter {minutes} minutter",
            .abroad: "landet heter {country}, {person} bor der og {other} jobber der",
            .shopping: "{person} kjøper en bok, den koster {amount}",
        ])

    static let afrikaans = PhraseBook(
        actions: """
            lees 'n boek
            drink water
            drink tee
            eet brood
            slaap
            sing 'n lied
            skryf 'n brief
            werk in die tuin
            kook sop
            luister na musiek
            maak die venster oop
            maak die deur toe
            gaan huis toe
            koop blomme
            """,
        and: " en ", but: ", maar ",
        templates: [
            .price: "dit kos {amount}",
            .distance: "die afstand is {count} kilometer",
            .weight: "die tas weeg {count} kilogram",
            .temperature: "dit is vandag {count} grade",
            .duration: "die reis duur {count} minute",
            .pages: "die boek het {count} bladsye",
            .age: "{person} is {count} jaar oud",
            .speaks: "{person} praat {language}",
            .trip: "{person} stap {count} kilometer, maar {other} wag {minutes} minute",
            .abroad: "die land se naam is {country}, {person} woon daar en {other} werk daar",
            .shopping: "{person} koop 'n boek, dit kos {amount}",
        ])
}
