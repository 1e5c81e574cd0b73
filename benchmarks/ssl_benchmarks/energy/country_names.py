"""Countries by the names and codes that people use besides the alpha-3 code of ISO 3166."""

from __future__ import annotations

import re
import unicodedata

# fmt: off
_CODES = """
    AD AND  AE ARE  AF AFG  AG ATG  AI AIA  AL ALB  AM ARM  AO AGO  AQ ATA  AR ARG  AS ASM  AT AUT  AU AUS  AW ABW
    AX ALA  AZ AZE  BA BIH  BB BRB  BD BGD  BE BEL  BF BFA  BG BGR  BH BHR  BI BDI  BJ BEN  BL BLM  BM BMU  BN BRN
    BO BOL  BQ BES  BR BRA  BS BHS  BT BTN  BV BVT  BW BWA  BY BLR  BZ BLZ  CA CAN  CC CCK  CD COD  CF CAF  CG COG
    CH CHE  CI CIV  CK COK  CL CHL  CM CMR  CN CHN  CO COL  CR CRI  CU CUB  CV CPV  CW CUW  CX CXR  CY CYP  CZ CZE
    DE DEU  DJ DJI  DK DNK  DM DMA  DO DOM  DZ DZA  EC ECU  EE EST  EG EGY  EH ESH  ER ERI  ES ESP  ET ETH  FI FIN
    FJ FJI  FK FLK  FM FSM  FO FRO  FR FRA  GA GAB  GB GBR  GD GRD  GE GEO  GF GUF  GG GGY  GH GHA  GI GIB  GL GRL
    GM GMB  GN GIN  GP GLP  GQ GNQ  GR GRC  GS SGS  GT GTM  GU GUM  GW GNB  GY GUY  HK HKG  HM HMD  HN HND  HR HRV
    HT HTI  HU HUN  ID IDN  IE IRL  IL ISR  IM IMN  IN IND  IO IOT  IQ IRQ  IR IRN  IS ISL  IT ITA  JE JEY  JM JAM
    JO JOR  JP JPN  KE KEN  KG KGZ  KH KHM  KI KIR  KM COM  KN KNA  KP PRK  KR KOR  KW KWT  KY CYM  KZ KAZ  LA LAO
    LB LBN  LC LCA  LI LIE  LK LKA  LR LBR  LS LSO  LT LTU  LU LUX  LV LVA  LY LBY  MA MAR  MC MCO  MD MDA  ME MNE
    MF MAF  MG MDG  MH MHL  MK MKD  ML MLI  MM MMR  MN MNG  MO MAC  MP MNP  MQ MTQ  MR MRT  MS MSR  MT MLT  MU MUS
    MV MDV  MW MWI  MX MEX  MY MYS  MZ MOZ  NA NAM  NC NCL  NE NER  NF NFK  NG NGA  NI NIC  NL NLD  NO NOR  NP NPL
    NR NRU  NU NIU  NZ NZL  OM OMN  PA PAN  PE PER  PF PYF  PG PNG  PH PHL  PK PAK  PL POL  PM SPM  PN PCN  PR PRI
    PS PSE  PT PRT  PW PLW  PY PRY  QA QAT  RE REU  RO ROU  RS SRB  RU RUS  RW RWA  SA SAU  SB SLB  SC SYC  SD SDN
    SE SWE  SG SGP  SH SHN  SI SVN  SJ SJM  SK SVK  SL SLE  SM SMR  SN SEN  SO SOM  SR SUR  SS SSD  ST STP  SV SLV
    SX SXM  SY SYR  SZ SWZ  TC TCA  TD TCD  TF ATF  TG TGO  TH THA  TJ TJK  TK TKL  TL TLS  TM TKM  TN TUN  TO TON
    TR TUR  TT TTO  TV TUV  TW TWN  TZ TZA  UA UKR  UG UGA  UM UMI  US USA  UY URY  UZ UZB  VA VAT  VC VCT  VE VEN
    VG VGB  VI VIR  VN VNM  VU VUT  WF WLF  WS WSM  XK XKX  YE YEM  YT MYT  ZA ZAF  ZM ZMB  ZW ZWE
""".split()  # noqa: SIM905 - a table is more readable than 500 strings
ALPHA_3 = dict(zip(_CODES[::2], _CODES[1::2], strict=True))
"""Alpha-2 to alpha-3 of ISO 3166-1; XK and XKX are the European Union's and the World Bank's for Kosovo."""
ALSO = {
    "ALB": "Shqipëria", "ARE": "Emirates, UAE, VAE", "ARM": "Hayastan", "AUT": "Österreich, Oesterreich, Autriche",
    "AZE": "Azərbaycan", "BEL": "België, Belgique, Belgien, Bélgica", "BGD": "Bangla Desh",
    "BGR": "Bălgarija, България, BUL", "BIH": "Bosnia, Bosna i Hercegovina", "BLR": "Беларусь, Belorussia",
    "BOL": "Bolivien", "BRA": "Brasil, Brasilien, Brésil", "CAN": "Kanada",
    "CHE": "Schweiz, Suisse, Svizzera, Svizra, Suiza, SUI, Helvetia",
    "CHN": "Zhongguo, 中国, 中國, PRC, Chine, Mainland China", "CIV": "Ivory Coast, Côte d'Ivoire",
    "COD": "DRC, Congo-Kinshasa, Zaire, DR Congo", "COG": "Congo-Brazzaville", "CPV": "Cabo Verde",
    "CYP": "Kypros, Κύπρος, Zypern", "CZE": "Czech Republic, Česko, Česká republika, Tschechien, Tchéquie",
    "DEU": "Deutschland, Allemagne, Alemania, Alemanha, Duitsland, Germania, Niemcy, Tyskland, GER, BRD",
    "DNK": "Danmark, Dänemark, Danemark, DEN", "DOM": "República Dominicana",
    "DZA": "Algérie, Al-Jazair, الجزائر, Algerien", "EGY": "Misr, مصر, Ägypten",
    "ESP": "España, Espana, Espagne, Spanien, Spagna, SPA", "EST": "Eesti, Estland", "ETH": "Ityop'ya",
    "FIN": "Suomi, Finnland, Finlande", "FRA": "Frankreich, Francia, França, Frankrijk",
    "GBR": "UK, Great Britain, Britain, England, Scotland, Wales, Northern Ireland, ENG, SCO, WAL, Royaume-Uni, Reino Unido, Großbritannien, Vereinigtes Königreich",
    "GEO": "Sakartvelo, საქართველო", "GRC": "EL, Hellas, Ellada, Ελλάδα, Griechenland, Grèce, GRE", "HKG": "香港",
    "HRV": "Hrvatska, Kroatien, CRO", "HUN": "Magyarország, Ungarn, Hongrie", "IDN": "INA, Indonesien",
    "IND": "Bharat, भारत, Indien, Inde", "IRL": "Éire, Irland, Irlande, Republic of Ireland", "IRN": "ایران, Persia",
    "ISL": "Ísland, Island, Islande", "ISR": "Yisrael, ישראל", "ITA": "Italia, Italien, Italie",
    "JPN": "Nippon, Nihon, 日本, JAP, Japon", "KAZ": "Qazaqstan, Қазақстан", "KHM": "Kampuchea",
    "KOR": "Korea, Republic of Korea, Hanguk, 한국, 대한민국, Südkorea, ROK", "LAO": "Lao PDR", "LTU": "Lietuva, Litauen",
    "LUX": "Luxemburg, Lëtzebuerg", "LVA": "Latvija, Lettland, LAT", "MAC": "Macau",
    "MAR": "Maroc, Al-Maghrib, المغرب, Marokko", "MDA": "Republic of Moldova", "MEX": "México, Mexiko, Mexique",
    "MKD": "Macedonia, FYROM, Severna Makedonija", "MMR": "Burma", "MNE": "Crna Gora", "MYS": "MAS",
    "NLD": "Nederland, Holland, Niederlande, Pays-Bas, Países Bajos, NED", "NOR": "Norge, Noreg, Norwegen, Norvège",
    "NZL": "Aotearoa, Neuseeland", "PAK": "پاکستان", "PER": "Perú", "PHL": "Pilipinas, PHI",
    "POL": "Polska, Polen, Pologne, Polonia", "PRK": "DPRK, Nordkorea", "PRT": "POR",
    "PSE": "Palestinian Territories, State of Palestine", "ROU": "România, Rumania, ROM, Rumänien",
    "RUS": "Russian Federation, Rossiya, Россия, Russland, Russie", "SAU": "KSA, Saudi, السعودية",
    "SGP": "Singapura, SIN, 新加坡", "SRB": "Srbija, Serbien", "SVK": "Slovensko, Slowakei, Slovak Republic",
    "SVN": "Slovenija, Slowenien, SLO", "SWE": "Sverige, Schweden, Suède, Suecia", "SWZ": "Swaziland",
    "SYR": "Syrian Arab Republic", "THA": "ไทย, Prathet Thai", "TLS": "Timor-Leste", "TUN": "Tunisie, تونس",
    "TUR": "Türkiye, Turkiye, Türkei, Turquie", "TWN": "台灣, 台湾, TPE, Chinese Taipei",
    "TZA": "United Republic of Tanzania", "UKR": "Ukraina, Україна",
    "USA": "America, United States of America, U.S., Estados Unidos, États-Unis, Vereinigte Staaten, Stati Uniti",
    "VEN": "Venezuela, Bolivarian Republic of", "VNM": "Viet Nam, Việt Nam, VIE",
    "ZAF": "RSA, Suid-Afrika, Südafrika",
}
"""Other names of countries: in their own languages, in neighbouring ones, in sports and on cars, and former ones."""
ABSENT = {
    "AIA": "Anguilla", "ALA": "Åland", "AND": "Andorra", "ATA": "Antarctica", "ATF": "French Southern Territories",
    "BES": "Bonaire", "BLM": "Saint Barthélemy", "BVT": "Bouvet Island", "CCK": "Cocos Islands", "CUW": "Curaçao",
    "CXR": "Christmas Island", "FSM": "Micronesia", "GGY": "Guernsey", "HMD": "Heard and McDonald Islands",
    "IMN": "Isle of Man", "IOT": "British Indian Ocean Territory", "JEY": "Jersey", "LIE": "Liechtenstein",
    "MAF": "Saint Martin", "MCO": "Monaco", "MHL": "Marshall Islands", "MNP": "Northern Mariana Islands",
    "MYT": "Mayotte", "NFK": "Norfolk Island", "NIU": "Niue", "PCN": "Pitcairn", "PLW": "Palau",
    "SGS": "South Georgia", "SJM": "Svalbard", "SMR": "San Marino", "SXM": "Sint Maarten", "TKL": "Tokelau",
    "TUV": "Tuvalu", "UMI": "US Minor Outlying Islands", "VAT": "Vatican", "WLF": "Wallis and Futuna",
    "XKX": "Kosovo",
}
"""Places with their own code for which tables of national grids have no figure."""
# fmt: on


def called(text: str) -> str | None:
    """The alpha-3 code of a country by one of these names; None if it is not in this table."""
    return _BY_NAME.get(plain(text))


def plain(text: str) -> str:
    """A name without case, accents, punctuation and article."""
    letters = unicodedata.normalize("NFKD", text.casefold())
    words = re.sub(r"[^\w]+", " ", "".join(c for c in letters if not unicodedata.combining(c))).split()
    return " ".join(words[1:] if words[:1] == ["the"] else words)


_BY_NAME = {plain(name): code for code, names in (ALSO | ABSENT).items() for name in [code, *names.split(",")]}
_BY_NAME |= {plain(two): three for two, three in ALPHA_3.items()}
