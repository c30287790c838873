extension PhraseBook {
    static let greek = PhraseBook(
        persons: """
            η Άννα, η Μαρία, η Λάουρα, η Εύα, ο Πέτρος, ο Ντάνιελ, ο Μάρτιν, ο Πολ
            """,
        actions: """
            διαβάζει ένα βιβλίο
            πίνει νερό
            πίνει τσάι
            τρώει ψωμί
            κοιμάται
            τραγουδάει ένα τραγούδι
            γράφει ένα γράμμα
            δουλεύει στον κήπο
            μαγειρεύει σούπα
            ακούει μουσική
            ανοίγει το παράθυρο
            κλείνει την πόρτα
            πηγαίνει στο σπίτι
            αγοράζει λουλούδια
            """,
        and: " και ", but: ", αλλά ",
        // The other two agree with the gender of what is counted.
        counts: PhraseBook.roundCounts.filter { $0 != 13 && $0 != 14 },
        templates: [
            .price: "κοστίζει {amount}",
            .distance: "η απόσταση είναι {count} χιλιόμετρα",
            .weight: "η βαλίτσα ζυγίζει {count} κιλά",
            .temperature: "σήμερα έχει {count} βαθμούς",
            .duration: "το ταξίδι διαρκεί {count} λεπτά",
            .pages: "το βιβλίο έχει {count} σελίδες",
            .age: "{person} είναι {count} χρονών",
            .speaks: "{person} μιλάει {language}",
            .trip: "{person} περπατάει {count} χιλιόμετρα, αλλά {other} περιμένει {minutes} λεπτά",
            .abroad: "η χώρα λέγεται {country}, {person} μένει εκεί και {other} δουλεύει εκεί",
            .shopping: "{person} αγοράζει ένα βιβλίο, κοστίζει {amount}",
        ])

    static let finnish = PhraseBook(
        actions: """
            lukee kirjaa
            juo vettä
            juo teetä
            syö leipää
            nukkuu
            laulaa laulua
            kirjoittaa kirjettä
            työskentelee puutarhassa
            keittää keittoa
            kuuntelee musiikkia
            avaa ikkunan
            sulkee oven
            menee kotiin
            ostaa kukkia
            """,
        and: " ja ", but: ", mutta ",
        templates: [
            .price: "se maksaa {amount}",
            .distance: "etäisyys on {count} kilometriä",
            .weight: "matkalaukku painaa {count} kiloa",
            .temperature: "tänään on {count} astetta",
            .duration: "matka kestää {count} minuuttia",
            .pages: "kirjassa on {count} sivua",
            .age: "{person} on {count} vuotta vanha",
            .trip: "{person} kävelee {count} kilometriä, mutta {other} odottaa {minutes} minuuttia",
            .abroad: "maan nimi on {country}, {person} asuu siellä ja {other} työskentelee siellä",
            .shopping: "{person} ostaa kirjan, se maksaa {amount}",
        ])

    static let estonian = PhraseBook(
        actions: """
            loeb raamatut
            joob vett
            joob teed
            sööb leiba
            magab
            laulab laulu
            kirjutab kirja
            töötab aias
            keedab suppi
            kuulab muusikat
            avab akna
            sulgeb ukse
            läheb koju
            ostab lilli
            """,
        and: " ja ", but: ", aga ",
        templates: [
            .price: "see maksab {amount}",
            .distance: "vahemaa on {count} kilomeetrit",
            .weight: "kohver kaalub {count} kilogrammi",
            .temperature: "täna on {count} kraadi",
            .duration: "reis kestab {count} minutit",
            .pages: "raamatus on {count} lehekülge",
            .age: "{person} on {count} aastat vana",
            .trip: "{person} kõnnib {count} kilomeetrit, aga {other} ootab {minutes} minutit",
            .abroad: "riigi nimi on {country}, {person} elab seal ja {other} töötab seal",
            .shopping: "{person} ostab raamatu, see maksab {amount}",
        ])

    static let hungarian = PhraseBook(
        actions: """
            könyvet olvas
            vizet iszik
            teát iszik
            kenyeret eszik
            alszik
            dalt énekel
            levelet ír
            a kertben dolgozik
            levest főz
            zenét hallgat
            kinyitja az ablakot
            becsukja az ajtót
            hazamegy
            virágot vásárol
            """,
        and: ", és ", but: ", de ",
        // The locale data has the form of 12 that stands alone.
        counts: PhraseBook.roundCounts.filter { $0 != 12 },
        templates: [
            .price: "az ára {amount}",
            .distance: "a távolság {count} kilométer",
            .weight: "a bőrönd súlya {count} kilogramm",
            .temperature: "ma {count} fok van",
            .duration: "az utazás {count} percig tart",
            .pages: "a könyv {count} oldalas",
            .age: "{person} {count} éves",
            .trip: "{person} {count} kilométert gyalogol, de {other} {minutes} percet vár",
            .abroad: "az ország neve {country}, {person} ott él, és {other} ott dolgozik",
            .shopping: "{person} egy könyvet vásárol, az ára {amount}",
        ])

    static let turkish = PhraseBook(
        actions: """
            kitap okuyor
            su içiyor
            çay içiyor
            ekmek yiyor
            uyuyor
            şarkı söylüyor
            mektup yazıyor
            bahçede çalışıyor
            çorba pişiriyor
            müzik dinliyor
            pencereyi açıyor
            kapıyı kapatıyor
            eve gidiyor
            çiçek alıyor
            """,
        and: " ve ", but: ", ama ",
        templates: [
            .price: "bu {amount} tutuyor",
            .distance: "mesafe {count} kilometre",
            .weight: "bavulun ağırlığı {count} kilogram",
            .temperature: "bugün hava {count} derece",
            .duration: "yolculuk {count} dakika sürüyor",
            .pages: "kitap {count} sayfa",
            .age: "{person} {count} yaşında",
            .speaks: "{person} {language} konuşuyor",
            .trip: "{person} {count} kilometre yürüyor, ama {other} {minutes} dakika bekliyor",
            .abroad: "ülkenin adı {country}, {person} orada yaşıyor ve {other} orada çalışıyor",
            .shopping: "{person} bir kitap alıyor, kitap {amount} tutuyor",
        ])
}
