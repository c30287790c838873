extension PhraseBook {
    static let russian = PhraseBook(
        persons: "Анна, Мария, Лаура, Ева, Петер, Даниэль, Мартин, Пауль",
        actions: """
            читает книгу
            пьёт воду
            пьёт чай
            ест хлеб
            спит
            поёт песню
            пишет письмо
            работает в саду
            варит суп
            слушает музыку
            открывает окно
            закрывает дверь
            идёт домой
            покупает цветы
            """,
        and: ", и ", but: ", но ",
        templates: [
            .price: "это стоит {amount}",
            .distance: "расстояние составляет {count} километров",
            .weight: "чемодан весит {count} килограммов",
            .temperature: "сегодня {count} градусов",
            .duration: "поездка длится {count} минут",
            .pages: "в книге {count} страниц",
            .trip: "{person} проходит {count} километров, но {other} ждёт {minutes} минут",
            .abroad: "страна называется {country}, {person} живёт там, и {other} работает там",
            .shopping: "{person} покупает книгу, она стоит {amount}",
        ])

    static let ukrainian = PhraseBook(
        persons: "Анна, Марія, Лаура, Єва, Петер, Даніель, Мартін, Пауль",
        actions: """
            читає книгу
            пʼє воду
            пʼє чай
            їсть хліб
            спить
            співає пісню
            пише лист
            працює в саду
            варить суп
            слухає музику
            відчиняє вікно
            зачиняє двері
            іде додому
            купує квіти
            """,
        and: ", і ", but: ", але ",
        templates: [
            .price: "це коштує {amount}",
            .distance: "відстань становить {count} кілометрів",
            .weight: "валіза важить {count} кілограмів",
            .temperature: "сьогодні {count} градусів",
            .duration: "поїздка триває {count} хвилин",
            .pages: "у книзі {count} сторінок",
            .trip: "{person} проходить {count} кілометрів, але {other} чекає {minutes} хвилин",
            .abroad: "країна називається {country}, {person} живе там, і {other} працює там",
            .shopping: "{person} купує книгу, вона коштує {amount}",
        ])

    static let polish = PhraseBook(
        actions: """
            czyta książkę
            pije wodę
            pije herbatę
            je chleb
            śpi
            śpiewa piosenkę
            pisze list
            pracuje w ogrodzie
            gotuje zupę
            słucha muzyki
            otwiera okno
            zamyka drzwi
            idzie do domu
            kupuje kwiaty
            """,
        and: ", a ", but: ", ale ",
        templates: [
            .price: "to kosztuje {amount}",
            .distance: "odległość wynosi {count} kilometrów",
            .weight: "walizka waży {count} kilogramów",
            .temperature: "dziś jest {count} stopni",
            .duration: "podróż trwa {count} minut",
            .pages: "książka ma {count} stron",
            .age: "{person} ma {count} lat",
            .trip: "{person} idzie {count} kilometrów, ale {other} czeka {minutes} minut",
            .abroad: "kraj nazywa się {country}, {person} tam mieszka, a {other} tam pracuje",
            .shopping: "{person} kupuje książkę, kosztuje ona {amount}",
        ])

    static let czech = PhraseBook(
        actions: """
            čte knihu
            pije vodu
            pije čaj
            jí chléb
            spí
            zpívá píseň
            píše dopis
            pracuje na zahradě
            vaří polévku
            poslouchá hudbu
            otevírá okno
            zavírá dveře
            jde domů
            kupuje květiny
            """,
        and: " a ", but: ", ale ",
        templates: [
            .price: "stojí to {amount}",
            .distance: "vzdálenost je {count} kilometrů",
            .weight: "kufr váží {count} kilogramů",
            .temperature: "dnes je {count} stupňů",
            .duration: "cesta trvá {count} minut",
            .pages: "kniha má {count} stran",
            .age: "{person} má {count} let",
            .trip: "{person} jde {count} kilometrů, ale {other} čeká {minutes} minut",
            .abroad: "země se jmenuje {country}, {person} tam žije a {other} tam pracuje",
            .shopping: "{person} kupuje knihu, stojí {amount}",
        ])

    static let slovak = PhraseBook(
        actions: """
            číta knihu
            pije vodu
            pije čaj
            je chlieb
            spí
            spieva pieseň
            píše list
            pracuje v záhrade
            varí polievku
            počúva hudbu
            otvára okno
            zatvára dvere
            ide domov
            kupuje kvety
            """,
        and: " a ", but: ", ale ",
        templates: [
            .price: "stojí to {amount}",
            .distance: "vzdialenosť je {count} kilometrov",
            .weight: "kufor váži {count} kilogramov",
            .temperature: "dnes je {count} stupňov",
            .duration: "cesta trvá {count} minút",
            .pages: "kniha má {count} strán",
            .age: "{person} má {count} rokov",
            .trip: "{person} ide {count} kilometrov, ale {other} čaká {minutes} minút",
            .abroad: "krajina sa volá {country}, {person} tam žije a {other} tam pracuje",
            .shopping: "{person} kupuje knihu, stojí {amount}",
        ])

    static let croatian = PhraseBook(
        persons: "Ana, Marija, Laura, Eva, Petar, Daniel, Martin, Pavao",
        actions: """
            čita knjigu
            pije vodu
            pije čaj
            jede kruh
            spava
            pjeva pjesmu
            piše pismo
            radi u vrtu
            kuha juhu
            sluša glazbu
            otvara prozor
            zatvara vrata
            ide kući
            kupuje cvijeće
            """,
        and: ", a ", but: ", ali ",
        templates: [
            .price: "to košta {amount}",
            .distance: "udaljenost je {count} kilometara",
            .weight: "kovčeg teži {count} kilograma",
            .temperature: "danas je {count} stupnjeva",
            .duration: "putovanje traje {count} minuta",
            .pages: "knjiga ima {count} stranica",
            .age: "{person} ima {count} godina",
            .trip: "{person} hoda {count} kilometara, ali {other} čeka {minutes} minuta",
            .abroad: "zemlja se zove {country}, {person} tamo živi, a {other} tamo radi",
            .shopping: "{person} kupuje knjigu, ona košta {amount}",
        ])

    static let bulgarian = PhraseBook(
        persons: "Ана, Мария, Лаура, Ева, Петер, Даниел, Мартин, Паул",
        actions: """
            чете книга
            пие вода
            пие чай
            яде хляб
            спи
            пее песен
            пише писмо
            работи в градината
            готви супа
            слуша музика
            отваря прозореца
            затваря вратата
            отива вкъщи
            купува цветя
            """,
        and: " и ", but: ", но ",
        templates: [
            .price: "това струва {amount}",
            .distance: "разстоянието е {count} километра",
            .weight: "куфарът тежи {count} килограма",
            .temperature: "днес е {count} градуса",
            .duration: "пътуването трае {count} минути",
            .pages: "книгата има {count} страници",
            .age: "{person} е на {count} години",
            .speaks: "{person} говори {language}",
            .trip: "{person} върви {count} километра, но {other} чака {minutes} минути",
            .abroad: "страната се казва {country}, {person} живее там и {other} работи там",
            .shopping: "{person} купува книга, тя струва {amount}",
        ])
}
