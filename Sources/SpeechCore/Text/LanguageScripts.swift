import Foundation

/// The scripts that languages are written in.
public enum LanguageScripts {
    /// The scripts of a language by its code, the usual one first; nil for a code that is not known.
    ///
    /// Codes are ISO 639-1 or 639-3 in any case, with or without a region (`en_us`, `zh-CN`). One
    /// that names a script (`srp_Latn`, `cmn_hans_cn`) has that script alone.
    public static func scripts(of code: String) -> [UnicodeScript]? {
        let tags = code.split { $0 == "-" || $0 == "_" }.map { $0.lowercased() }
        guard let language = tags.first else { return nil }
        for tag in tags.dropFirst() where tag.count == 4 {
            if let named = scripts(named: tag) { return named }
        }
        return byLanguage[shortest(language)]
    }

    /// Whether two codes mean one language: `de` and `deu_Latn` do.
    package static func sameLanguage(_ first: String, _ second: String) -> Bool {
        func language(_ code: String) -> String {
            shortest(code.prefix { $0 != "-" && $0 != "_" }.lowercased())
        }
        return language(first) == language(second)
    }

    /// Whether a language's usual script has no spaces between words, so that its texts are measured by
    /// characters.
    public static func isWrittenWithoutSpaces(_ code: String) -> Bool {
        scripts(of: code)?.first.map(unspaced.contains) ?? false
    }

    /// Scripts without spaces between words.
    static let unspaced: Set<UnicodeScript> = [
        .han, .hiragana, .katakana, .bopomofo, .thai, .lao, .khmer, .myanmar, .tibetan, .yi, .taiLe,
        .taiTham, .newTaiLue, .javanese, .balinese,
    ]

    /// The two letters of a language that has some, and one code for languages that have several.
    private static func shortest(_ language: String) -> String { aliases[language] ?? language }

    /// The scripts behind a code of ISO 15924, which may stand for several.
    private static func scripts(named tag: String) -> [UnicodeScript]? {
        switch tag {
        case "hans", "hant": return [.han, .bopomofo]
        case "jpan": return [.han, .hiragana, .katakana]
        case "kore": return [.hangul, .han]
        default: return UnicodeScript(rawValue: tag.capitalized).map { [$0] }
        }
    }

    private static let byLanguage: [String: [UnicodeScript]] = {
        var scripts: [String: [UnicodeScript]] = [:]
        for line in table.split(separator: "\n") {
            let halves = line.split(separator: ":")
            let named = halves[0].split(separator: " ").compactMap {
                UnicodeScript(rawValue: String($0))
            }
            for language in halves[1].split(separator: " ") { scripts[String(language)] = named }
        }
        return scripts
    }()

    private static let aliases: [String: String] = {
        var aliases: [String: String] = [:]
        for pair in codes.split(whereSeparator: \.isWhitespace) {
            let halves = pair.split(separator: "=")
            aliases[String(halves[0])] = String(halves[1])
        }
        return aliases
    }()

    /// Scripts, and the languages that are written in them today; those of the corpora that people
    /// have and their neighbours.
    private static let table = """
        Latn: aa ace acf ach ada af agr agx ajg ak akb an ann ast asu atb atj avn ay az ban bas \
        bci bcl bem bez bi bik bm br bs bum bug bts btx bbc ca ceb cfm cak cgg ch chk cjk cnh co \
        crh cs csb cy da dag dav de den dga dgb dje dua din dyo dsb dyu ebu ee efi en eo es et eu \
        ext ewo fan ff fi fj fil fo fon fr frp frr fur fuf fuc fy ga gaa gd gil gl gn gor gsw gub \
        guc guz gv ha haw hil hmn ho hr hsb ht hu hz ia iba id ie ig ik ilo is it izh jam jbo jmc \
        jv kaa kab kac kam kbp kcg kde kea kek kg kha ki kj kl kln kmb kos kpe krl krj kri ksb ksf \
        ksh kw la lad lam lb lg lgg li lij lil lkt lld lmo ln loz lt ltg lu lua lue luo lun lus \
        luy lv mad man mas maz men mer meu mfe mg mgh mgo mh mi min mos ms mt mua mus nap naq nb \
        nd nds ndc nn nl nmg nnh no nr nso nus ny nym nyn nzi oc olo om pag pam pap pau pcm pdc \
        pfl pl pms pon prg pt qu quc quz rar rej rm rn ro rof rup rw rwk ses saq sbp sc scn sco se \
        seh sg sgs shp sid sk sl sm smj smn sms sma sn snk so sq srn ss st stq su sus sv sw swb \
        swc szl tem teo ter tet tiv tk tl tli tlh tn to toi tok tpi tr ts tum tvl tw ty tzh tzo \
        umb urh ve vec vep vi vls vmw vo vot vro vun wa wae war wo xh xog yao yap yo yua za zap \
        zea zu zza kr
        Cyrl: ab ady alt av ba be bg bua bxr ce chm cv dar inh kbd kca kjh kk koi kpv krc kum kv \
        ky lbe lez mdf mhr mk mn mns mrj myv nog os rue ru sah tab tg tt tyv udm uk ulc xal yrk
        Arab: ar acm acq aeb ajp apc apd ars ary arz ayl azb bal bgn bgp bqi ckb fa glk khw lrc \
        luri mzn pnb ps pbu sdh skr ug ur
        Deva: anp awa bhb bho bgc bhi brx doi dty gbm gon hi hne kfy khn kok kru mag mai mr mwr ne \
        new sa tdg unr wbr xnr
        Beng: as bn bpy rkt syl ctg
        Hebr: he yi
        Grek: el grc pnt
        Ethi: am gez ti tig wal byn sgw
        Armn: hy hyw xcl
        Geor: ka mge sva xmf
        Gujr: gu kfr
        Orya: or spv
        Taml: ta
        Telu: te
        Knda: kn tcy
        Mlym: ml
        Sinh: si
        Thai: th sou tts
        Laoo: lo
        Khmr: km
        Mymr: my mnw shn ksw blk rki
        Tibt: bo dz adx khg lbj sip
        Thaa: dv
        Syrc: syr arc aii cld syc
        Nkoo: nqo
        Tfng: zgh tzm thv ttq
        Cher: chr
        Cans: iu oj cr ike cwd crk
        Olck: sat
        Vaii: vai
        Yiii: ii
        Hani Bopo: zh cdo cjy cmn cpx gan hak hsn lzh mnp wuu yue
        Hani Hira Kana: ja ryu
        Hang Hani: ko
        Guru Arab: pa
        Arab Deva: ks sd
        Latn Cyrl: sr uz sh cnr gag rom
        Latn Arab: ku diq
        Beng Mtei: mni
        Cyrl Mong: mvf
        Latn Tfng: ber rif shi taq
        Latn Arab Cyrl: tly
        Latn Hani: nan
        """

    /// Codes of three letters and what else is in use, with the code that the table has.
    private static let codes = """
        aar=aa abk=ab afr=af aka=ak amh=am arg=an ara=ar asm=as ava=av aym=ay aze=az bak=ba bel=be
        bul=bg bis=bi bam=bm ben=bn bod=bo bre=br bos=bs cat=ca che=ce cha=ch cos=co cre=cr ces=cs
        chv=cv cym=cy dan=da deu=de div=dv dzo=dz ewe=ee ell=el eng=en epo=eo spa=es est=et eus=eu
        fas=fa ful=ff fin=fi fij=fj fao=fo fra=fr fry=fy gle=ga gla=gd glg=gl grn=gn guj=gu glv=gv
        hau=ha heb=he hin=hi hmo=ho hrv=hr hat=ht hun=hu hye=hy her=hz ina=ia ind=id ile=ie ibo=ig
        iii=ii ipk=ik isl=is ita=it iku=iu jpn=ja jav=jv kat=ka kon=kg kik=ki kua=kj kaz=kk kal=kl
        khm=km kan=kn kor=ko kas=ks kur=ku kom=kv cor=kw kir=ky lat=la ltz=lb lug=lg lim=li lin=ln
        lao=lo lit=lt lub=lu lav=lv mlg=mg mah=mh mri=mi mkd=mk mal=ml mon=mn mar=mr msa=ms mlt=mt
        mya=my nob=nb nde=nd nep=ne nld=nl nno=nn nor=no nbl=nr nya=ny oci=oc oji=oj orm=om ori=or
        oss=os pan=pa pol=pl pus=ps por=pt que=qu roh=rm run=rn ron=ro rus=ru kin=rw san=sa srd=sc
        snd=sd sme=se sag=sg hbs=sh sin=si slk=sk slv=sl smo=sm sna=sn som=so sqi=sq srp=sr ssw=ss
        sot=st sun=su swe=sv swa=sw tam=ta tel=te tgk=tg tha=th tir=ti tuk=tk tgl=tl tsn=tn ton=to
        tur=tr tso=ts tat=tt twi=tw tah=ty uig=ug ukr=uk urd=ur uzb=uz ven=ve vie=vi vol=vo wln=wa
        wol=wo xho=xh yid=yi yor=yo zha=za zho=zh zul=zu als=sq arb=ar azj=az bih=bho ekk=et
        gaz=om hat=ht khk=mn kmr=ku lvs=lv msa=ms nob=nb npi=ne nya=ny ory=or pbt=ps pes=fa plt=mg
        swh=sw uzn=uz ydd=yi zlm=ms zsm=ms quy=qu ayr=ay fuv=ff knc=kr twi=tw prs=fa iw=he in=id
        ji=yi mo=ro
        """
}
