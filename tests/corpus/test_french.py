"""The morphology against forms written out by hand."""

import pytest

from scripts.corpus import english, french

PRESENT = {
    "aimer": "aime aimes aime aimons aimez aiment",
    "manger": "mange manges mange mangeons mangez mangent",
    "commencer": "commence commences commence commençons commencez commencent",
    "appeler": "appelle appelles appelle appelons appelez appellent",
    "jeter": "jette jettes jette jetons jetez jettent",
    "acheter": "achète achètes achète achetons achetez achètent",
    "préférer": "préfère préfères préfère préférons préférez préfèrent",
    "protéger": "protège protèges protège protégeons protégez protègent",
    "nettoyer": "nettoie nettoies nettoie nettoyons nettoyez nettoient",
    "essayer": "essaie essaies essaie essayons essayez essaient",
    "ennuyer": "ennuie ennuies ennuie ennuyons ennuyez ennuient",
    "se lever": "lève lèves lève levons levez lèvent",
    "finir": "finis finis finit finissons finissez finissent",
    "attendre": "attends attends attend attendons attendez attendent",
    "être": "suis es est sommes êtes sont",
    "avoir": "ai as a avons avez ont",
    "aller": "vais vas va allons allez vont",
    "faire": "fais fais fait faisons faites font",
    "dire": "dis dis dit disons dites disent",
    "vouloir": "veux veux veut voulons voulez veulent",
    "pouvoir": "peux peux peut pouvons pouvez peuvent",
    "devoir": "dois dois doit devons devez doivent",
    "savoir": "sais sais sait savons savez savent",
    "connaître": "connais connais connaît connaissons connaissez connaissent",
    "prendre": "prends prends prend prenons prenez prennent",
    "venir": "viens viens vient venons venez viennent",
    "boire": "bois bois boit buvons buvez boivent",
    "recevoir": "reçois reçois reçoit recevons recevez reçoivent",
    "peindre": "peins peins peint peignons peignez peignent",
    "asseoir": "assieds assieds assied asseyons asseyez asseyent",
    "envoyer": "envoie envoies envoie envoyons envoyez envoient",
    "ouvrir": "ouvre ouvres ouvre ouvrons ouvrez ouvrent",
}
# lemma: je in the imparfait, futur and conditionnel; the masculine singular participle
OTHERS = {
    "aimer": "aimais aimerai aimerais aimé",
    "manger": "mangeais mangerai mangerais mangé",
    "commencer": "commençais commencerai commencerais commencé",
    "appeler": "appelais appellerai appellerais appelé",
    "jeter": "jetais jetterai jetterais jeté",
    "acheter": "achetais achèterai achèterais acheté",
    "préférer": "préférais préférerai préférerais préféré",
    "nettoyer": "nettoyais nettoierai nettoierais nettoyé",
    "étudier": "étudiais étudierai étudierais étudié",
    "finir": "finissais finirai finirais fini",
    "attendre": "attendais attendrai attendrais attendu",
    "être": "étais serai serais été",
    "avoir": "avais aurai aurais eu",
    "aller": "allais irai irais allé",
    "faire": "faisais ferai ferais fait",
    "voir": "voyais verrai verrais vu",
    "pouvoir": "pouvais pourrai pourrais pu",
    "vouloir": "voulais voudrai voudrais voulu",
    "devoir": "devais devrai devrais dû",
    "savoir": "savais saurai saurais su",
    "venir": "venais viendrai viendrais venu",
    "prendre": "prenais prendrai prendrais pris",
    "mettre": "mettais mettrai mettrais mis",
    "courir": "courais courrai courrais couru",
    "envoyer": "envoyais enverrai enverrais envoyé",
    "ouvrir": "ouvrais ouvrirai ouvrirais ouvert",
    "lire": "lisais lirai lirais lu",
    "écrire": "écrivais écrirai écrirais écrit",
    "rire": "riais rirai rirais ri",
    "boire": "buvais boirai boirais bu",
    "croire": "croyais croirai croirais cru",
    "connaître": "connaissais connaîtrai connaîtrais connu",
    "recevoir": "recevais recevrai recevrais reçu",
    "éteindre": "éteignais éteindrai éteindrais éteint",
    "accueillir": "accueillais accueillerai accueillerais accueilli",
}


@pytest.mark.parametrize("lemma", PRESENT)
def test_the_present_is_conjugated_as_written_by_hand(lemma: str) -> None:
    assert french.present(lemma.removeprefix("se ")) == PRESENT[lemma].split()


@pytest.mark.parametrize("lemma", OTHERS)
def test_the_other_tenses_are_conjugated_as_written_by_hand(lemma: str) -> None:
    imperfect, future, conditional, participle = OTHERS[lemma].split()
    assert french.conjugate(lemma, "imperfect", 0) == imperfect
    assert french.conjugate(lemma, "future", 0) == future
    assert french.conjugate(lemma, "conditional", 0) == conditional
    assert french.participle(lemma) == participle


def test_spelling_changes_follow_the_ending_of_every_person() -> None:
    assert [french.conjugate("manger", "imperfect", p) for p in (3, 5)] == [
        "mangions",
        "mangeaient",
    ]
    assert [french.conjugate("commencer", "imperfect", p) for p in (0, 4)] == [
        "commençais",
        "commenciez",
    ]
    assert french.conjugate("étudier", "imperfect", 3) == "étudiions"


@pytest.mark.parametrize(
    ("lemma", "forms"),
    [
        ("donner", "donne donnons donnez"),
        ("aller", "va allons allez"),
        ("être", "sois soyons soyez"),
        ("ouvrir", "ouvre ouvrons ouvrez"),
        ("finir", "finis finissons finissez"),
        ("dire", "dis disons dites"),
    ],
)
def test_the_imperative_drops_the_s_of_er_verbs_only(lemma: str, forms: str) -> None:
    assert [french.imperative(lemma, person) for person in (1, 3, 4)] == forms.split()


def test_participles_agree() -> None:
    assert french.participle("prendre", "f") == "prise"
    assert french.participle("prendre", "m", True) == "pris"
    assert french.participle("aller", "f", True) == "allées"
    assert french.participle("devoir", "f") == "due"


@pytest.mark.parametrize(
    ("word", "elides"),
    [
        ("homme", True), ("haricot", False), ("hôtel", True), ("hérisson", False), ("œuf", True),
        ("yaourt", False), ("y", True), ("yeux", True), ("onze", False), ("histoire", True),
        ("hockey", False), ("École", True), ("ils", True), ("voiture", False), ("heure", True),
    ],
)  # fmt: skip
def test_elision_knows_the_two_kinds_of_h(word: str, elides: bool) -> None:
    assert french.starts_with_vowel(word) is elides


@pytest.mark.parametrize(
    ("masculine", "feminine", "plural"),
    [
        ("petit", "petite", "petits"), ("heureux", "heureuse", "heureux"),
        ("cher", "chère", "chers"), ("sportif", "sportive", "sportifs"),
        ("italien", "italienne", "italiens"), ("bon", "bonne", "bons"),
        ("rouge", "rouge", "rouges"), ("gris", "grise", "gris"),
        ("journal", "journale", "journaux"),
    ],
)  # fmt: skip
def test_regular_feminines_and_plurals(masculine: str, feminine: str, plural: str) -> None:
    assert french.feminine(masculine) == feminine
    assert french.pluralise(masculine) == plural


@pytest.mark.parametrize(
    ("base", "forms"),
    [
        ("stop", "stops stopped stopping"), ("carry", "carries carried carrying"),
        ("visit", "visits visited visiting"), ("write", "writes wrote writing"),
        ("lie", "lies lied lying"), ("watch", "watches watched watching"),
        ("play", "plays played playing"), ("listen", "listens listened listening"),
        ("run", "runs ran running"), ("see", "sees saw seeing"), ("go", "goes went going"),
        ("travel", "travels travelled travelling"),
    ],
)  # fmt: skip
def test_english_verbs_are_spelt(base: str, forms: str) -> None:
    assert [english.third_person(base), english.past(base), english.gerund(base)] == forms.split()
