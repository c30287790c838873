extension PhraseBook {
    static let spanish = PhraseBook(
        actions: """
            lee un libro
            bebe agua
            bebe té
            come pan
            duerme
            canta una canción
            escribe una carta
            trabaja en el jardín
            prepara sopa
            escucha música
            abre la ventana
            cierra la puerta
            va a casa
            compra flores
            """,
        and: " y ", but: ", pero ",
        templates: [
            .price: "cuesta {amount}",
            .distance: "la distancia es de {count} kilómetros",
            .weight: "la maleta pesa {count} kilos",
            .temperature: "hoy hace {count} grados",
            .duration: "el viaje dura {count} minutos",
            .pages: "el libro tiene {count} páginas",
            .age: "{person} tiene {count} años",
            .speaks: "{person} habla {language}",
            .trip: "{person} camina {count} kilómetros, pero {other} espera {minutes} minutos",
            .abroad: "el país se llama {country}, {person} vive allí y {other} trabaja allí",
            .shopping: "{person} compra un libro, cuesta {amount}",
        ])

    static let french = PhraseBook(
        actions: """
            lit un livre
            boit de l'eau
            boit du thé
            mange du pain
            dort
            chante une chanson
            écrit une lettre
            travaille dans le jardin
            prépare de la soupe
            écoute de la musique
            ouvre la fenêtre
            ferme la porte
            rentre à la maison
            achète des fleurs
            """,
        and: " et ", but: ", mais ",
        templates: [
            .price: "cela coûte {amount}",
            .distance: "la distance est de {count} kilomètres",
            .weight: "la valise pèse {count} kilogrammes",
            .temperature: "il fait {count} degrés aujourd'hui",
            .duration: "le voyage dure {count} minutes",
            .pages: "le livre a {count} pages",
            .age: "{person} a {count} ans",
            .speaks: "{person} parle {language}",
            .trip: "{person} fait {count} kilomètres à pied, mais {other} attend {minutes} minutes",
            .abroad: "le pays s'appelle {country}, {person} y vit et {other} y travaille",
            .shopping: "{person} achète un livre, il coûte {amount}",
        ])

    static let italian = PhraseBook(
        actions: """
            legge un libro
            beve acqua
            beve tè
            mangia pane
            dorme
            canta una canzone
            scrive una lettera
            lavora in giardino
            cucina la zuppa
            ascolta la musica
            apre la finestra
            chiude la porta
            va a casa
            compra fiori
            """,
        and: " e ", but: ", ma ",
        templates: [
            .price: "costa {amount}",
            .distance: "la distanza è di {count} chilometri",
            .weight: "la valigia pesa {count} chili",
            .temperature: "oggi ci sono {count} gradi",
            .duration: "il viaggio dura {count} minuti",
            .pages: "il libro ha {count} pagine",
            .age: "{person} ha {count} anni",
            .speaks: "{person} parla {language}",
            .trip: "{person} cammina per {count} chilometri, ma {other} aspetta {minutes} minuti",
            .abroad: "il paese si chiama {country}, {person} vive lì e {other} lavora lì",
            .shopping: "{person} compra un libro, costa {amount}",
        ])

    static let portuguese = PhraseBook(
        actions: """
            lê um livro
            bebe água
            bebe chá
            come pão
            dorme
            canta uma canção
            escreve uma carta
            trabalha no jardim
            prepara sopa
            ouve música
            abre a janela
            fecha a porta
            vai para casa
            compra flores
            """,
        and: " e ", but: ", mas ",
        lowercasesCurrencies: true,
        templates: [
            .price: "custa {amount}",
            .distance: "a distância é de {count} quilômetros",
            .weight: "a mala pesa {count} quilos",
            .temperature: "hoje faz {count} graus",
            .duration: "a viagem dura {count} minutos",
            .pages: "o livro tem {count} páginas",
            .age: "{person} tem {count} anos",
            .speaks: "{person} fala {language}",
            .trip: "{person} caminha {count} quilômetros, mas {other} espera {minutes} minutos",
            .abroad: "o país se chama {country}, {person} mora lá e {other} trabalha lá",
            .shopping: "{person} compra um livro, custa {amount}",
        ])

    static let catalan = PhraseBook(
        actions: """
            llegeix un llibre
            beu aigua
            beu te
            menja pa
            dorm
            canta una cançó
            escriu una carta
            treballa al jardí
            prepara sopa
            escolta música
            obre la finestra
            tanca la porta
            va a casa
            compra flors
            """,
        and: " i ", but: ", però ",
        templates: [
            .price: "costa {amount}",
            .distance: "la distància és de {count} quilòmetres",
            .weight: "la maleta pesa {count} quilos",
            .temperature: "avui fa {count} graus",
            .duration: "el viatge dura {count} minuts",
            .pages: "el llibre té {count} pàgines",
            .age: "{person} té {count} anys",
            .speaks: "{person} parla {language}",
            .trip: "{person} camina {count} quilòmetres, però {other} espera {minutes} minuts",
            .abroad: "el país es diu {country}, {person} hi viu i {other} hi treballa",
            .shopping: "{person} compra un llibre, costa {amount}",
        ])

    static let romanian = PhraseBook(
        actions: """
            citește o carte
            bea apă
            bea ceai
            mănâncă pâine
            doarme
            cântă un cântec
            scrie o scrisoare
            lucrează în grădină
            gătește supă
            ascultă muzică
            deschide fereastra
            închide ușa
            merge acasă
            cumpără flori
            """,
        and: " și ", but: ", dar ",
        counts: PhraseBook.roundCounts.filter { $0 >= 20 },
        templates: [
            .price: "costă {amount}",
            .distance: "distanța este de {count} de kilometri",
            .weight: "valiza cântărește {count} de kilograme",
            .temperature: "astăzi sunt {count} de grade",
            .duration: "călătoria durează {count} de minute",
            .pages: "cartea are {count} de pagini",
            .age: "{person} are {count} de ani",
            .speaks: "{person} vorbește limba {language}",
            .trip:
                "{person} merge {count} de kilometri pe jos, "
                + "dar {other} așteaptă {minutes} de minute",
            .abroad:
                "țara se numește {country}, {person} locuiește acolo și {other} lucrează acolo",
            .shopping: "{person} cumpără o carte, ea costă {amount}",
        ])
}
