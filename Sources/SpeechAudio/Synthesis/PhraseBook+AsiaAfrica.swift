extension PhraseBook {
    static let indonesian = PhraseBook(
        actions: """
            membaca buku
            minum air
            minum teh
            makan roti
            tidur
            menyanyikan lagu
            menulis surat
            bekerja di kebun
            memasak sup
            mendengarkan musik
            membuka jendela
            menutup pintu
            pulang ke rumah
            membeli bunga
            """,
        and: " dan ", but: ", tetapi ",
        templates: [
            .price: "harganya {amount}",
            .distance: "jaraknya {count} kilometer",
            .weight: "berat koper itu {count} kilogram",
            .temperature: "suhu hari ini {count} derajat",
            .duration: "perjalanannya memakan waktu {count} menit",
            .pages: "buku itu memiliki {count} halaman",
            .age: "{person} berumur {count} tahun",
            .speaks: "{person} berbicara bahasa {language}",
            .trip: "{person} berjalan {count} kilometer, tetapi {other} menunggu {minutes} menit",
            .abroad:
                "nama negara itu adalah {country}, "
                + "{person} tinggal di sana dan {other} bekerja di sana",
            .shopping: "{person} membeli buku, harganya {amount}",
        ])

    static let vietnamese = PhraseBook(
        actions: """
            đọc sách
            uống nước
            uống trà
            ăn bánh mì
            ngủ
            hát một bài hát
            viết thư
            làm việc trong vườn
            nấu súp
            nghe nhạc
            mở cửa sổ
            đóng cửa
            về nhà
            mua hoa
            """,
        and: " và ", but: ", nhưng ",
        templates: [
            .price: "giá là {amount}",
            .distance: "khoảng cách là {count} ki lô mét",
            .weight: "chiếc va li nặng {count} ki lô gam",
            .temperature: "hôm nay trời {count} độ",
            .duration: "chuyến đi mất {count} phút",
            .pages: "cuốn sách có {count} trang",
            .age: "{person} {count} tuổi",
            .speaks: "{person} nói {language}",
            .trip: "{person} đi bộ {count} ki lô mét, nhưng {other} đợi {minutes} phút",
            .abroad: "tên nước là {country}, {person} sống ở đó và {other} làm việc ở đó",
            .shopping: "{person} mua một cuốn sách, giá là {amount}",
        ])

    static let swahili = PhraseBook(
        actions: """
            anasoma kitabu
            anakunywa maji
            anakunywa chai
            anakula mkate
            analala
            anaimba wimbo
            anaandika barua
            anafanya kazi bustanini
            anapika supu
            anasikiliza muziki
            anafungua dirisha
            anafunga mlango
            anaenda nyumbani
            ananunua maua
            """,
        and: " na ", but: ", lakini ",
        // The digits 1 to 5 and 8 agree with the class of what is counted.
        counts: (6...99).filter { [0, 6, 7, 9].contains($0 % 10) },
        templates: [
            .price: "inagharimu {amount}",
            .distance: "umbali ni kilomita {count}",
            .weight: "sanduku lina uzito wa kilo {count}",
            .temperature: "leo joto ni digrii {count}",
            .duration: "safari inachukua dakika {count}",
            .pages: "kitabu kina kurasa {count}",
            .age: "{person} ana umri wa miaka {count}",
            .speaks: "{person} anazungumza {language}",
            .trip: "{person} anatembea kilomita {count}, lakini {other} anasubiri dakika {minutes}",
            .abroad: "nchi inaitwa {country}, {person} anaishi huko na {other} anafanya kazi huko",
            .shopping: "{person} ananunua kitabu, kinagharimu {amount}",
        ])

    static let hindi = PhraseBook(
        // Verbs agree with women.
        persons: "अन्ना, मारिया, लौरा, ईवा",
        actions: """
            किताब पढ़ती है
            पानी पीती है
            चाय पीती है
            रोटी खाती है
            सोती है
            गाना गाती है
            चिट्ठी लिखती है
            बगीचे में काम करती है
            सूप बनाती है
            संगीत सुनती है
            खिड़की खोलती है
            दरवाज़ा बंद करती है
            घर जाती है
            फूल ख़रीदती है
            """,
        and: " और ", but: ", लेकिन ",
        templates: [
            .price: "इसकी क़ीमत {amount} है",
            .distance: "दूरी {count} किलोमीटर है",
            .weight: "सूटकेस का वज़न {count} किलोग्राम है",
            .temperature: "आज तापमान {count} डिग्री है",
            .duration: "यात्रा में {count} मिनट लगते हैं",
            .pages: "किताब में {count} पृष्ठ हैं",
            .age: "{person} {count} साल की है",
            .speaks: "{person} {language} बोलती है",
            .trip:
                "{person} {count} किलोमीटर चलती है, लेकिन {other} {minutes} मिनट इंतज़ार करती है",
            .abroad: "देश का नाम {country} है, {person} वहाँ रहती है और {other} वहाँ काम करती है",
            .shopping: "{person} एक किताब ख़रीदती है, उसकी क़ीमत {amount} है",
        ])

    static let chinese = PhraseBook(
        persons: "安娜, 玛丽亚, 劳拉, 伊娃, 彼得, 丹尼尔, 马丁, 保罗",
        actions: """
            看书
            喝水
            喝茶
            吃面包
            睡觉
            唱歌
            写信
            在花园里工作
            做汤
            听音乐
            开窗户
            关门
            回家
            买花
            """,
        and: "，", but: "，但是", gap: "",
        templates: [
            .price: "价格是{amount}",
            .distance: "距离是{count}公里",
            .weight: "箱子重{count}公斤",
            .temperature: "今天{count}度",
            .duration: "旅程需要{count}分钟",
            .pages: "这本书有{count}页",
            .age: "{person}{count}岁",
            .speaks: "{person}说{language}",
            .trip: "{person}走{count}公里，但是{other}等{minutes}分钟",
            .abroad: "这个国家叫{country}，{person}住在那里，{other}在那里工作",
            .shopping: "{person}买一本书，价格是{amount}",
        ])
}
