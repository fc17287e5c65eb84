"""Write the corpus of the quick start of text classification: opinions in Portuguese and English, in three classes.

The sentences are made from the templates and lists below, all written for this purpose. Counting words is not enough:
some sentences negate an opinion, some hold two opinions of which the second counts, and some only report one. Some
templates, and some words of each list, occur in the validation and test files alone.

Run it from anywhere: python zoo/quickstart_sentiment_corpus.py
"""

import random
import string
from pathlib import Path

FOLDER = Path(__file__).resolve().parent.parent / "keras_seq" / "data" / "bundled" / "quickstart_sentiment"
SEED = 11
SIZES = {"train": 900, "validation": 150, "test": 150}
CLASSES = ("negative", "neutral", "positive")
LANGUAGES = ("pt", "en")
SHARE_UNSEEN_TEMPLATES = 0.1
SHARE_UNSEEN_WORDS = 0.05
# How the opinion of a sentence is expressed, and how often.
FORMS = {"plain": 0.82, "negated": 0.13, "turned": 0.05}
SHARE_PREFIX = 0.3
SHARE_EXCLAMATION = 0.25

# Things with their gender, and what each has a good or a bad one of; in front of `|`: known from training.
THINGS = {
    "en": {
        "film series documentary comedy | thriller cartoon": "plot ending acting soundtrack | dialogue photography",
        "restaurant café bakery | pizzeria bar": "food service soup coffee | dessert menu",
        "phone laptop camera printer | keyboard speaker": "battery screen sound packaging | price warranty",
    },
    "pt": {
        "o:filme a:série o:documentário a:comédia | o:desenho a:novela": (
            "o:roteiro o:final a:atuação a:trilha | o:diálogo a:fotografia"
        ),
        "o:restaurante o:café a:padaria | a:pizzaria o:bar": (
            "a:comida o:atendimento a:sopa o:suco | a:sobremesa o:cardápio"
        ),
        "o:celular a:câmera a:impressora o:computador | o:teclado a:caixa": (
            "a:bateria a:tela o:som a:embalagem | o:preço a:garantia"
        ),
    },
}
WORDS = {
    "en": {
        "good": "good great excellent wonderful lovely brilliant pleasant | superb delightful",
        "bad": "bad awful terrible boring horrible poor annoying | dreadful disappointing",
        "middling": "average ordinary acceptable okay | usual common",
        "very": "very really so quite incredibly | extremely truly",
        "loved": "loved liked enjoyed adored | appreciated",
        "hated": "hated disliked regretted | despised",
        "like": "like enjoy recommend love | appreciate",
        "hate": "hate dislike regret | despise",
        "person": "sister brother neighbour colleague cousin | aunt boss",
        "day": "Monday Tuesday Friday Sunday | Thursday Saturday",
        "number": "two three four five ten | six twelve",
    },
    "pt": {
        # The ending that the gender decides is written after a slash: masculine, feminine.
        "good": "bom/boa ótim/o/a maravilhos/o/a excelente lind/o/a agradável incrível | fantástic/o/a adorável",
        "bad": "ruim péssim/o/a horrível terrível chat/o/a frac/o/a decepcionante | fei/o/a insuportável",
        "middling": "comum normal razoável mais-ou-menos | mediano/mediana médio/média",
        "very": "muito bem realmente bastante tão | extremamente super",
        "loved": "adorei amei aproveitei curti | apreciei",
        "hated": "odiei detestei lamentei | desprezei",
        "like": "recomendo aprovo adoro curto | aprecio",
        "hate": "odeio detesto lamento | desprezo",
        "person": "irmã vizinha colega prima | tia chefe",
        "day": "segunda terça sexta quarta | quinta",
        "number": "dois três quatro cinco dez | seis doze",
    },
}
PREFIXES = {
    "en": "Honestly|To be fair|In short|Well|As I said|For me|This time|After a week",
    "pt": "Sinceramente|Olha|Enfim|Bem|Como eu disse|Para mim|Desta vez|Depois de uma semana",
}
# Below `---`: validation and test only. In Portuguese a noun comes with its article: {a_thing} is "o filme",
# {of_thing} "do filme", {this_thing} "este filme"; {good}, {bad} and {middling} agree with the thing, {good_part} and
# {bad_part} with what it has.
TEMPLATES = {
    ("en", "positive", "plain"): """
The {thing} is {very} {good}
I {loved} this {thing}, above all the {part}
What a {thing}: the {part} was {good}
{good} {thing}, {good} {part}
The {part} alone is worth the money
Everything about the {thing} was {very} {good}
My {person} {loved} the {thing} and so did I
A {thing} whose {part} is {very} {good}
I will come back for the {part} of this {thing}
The {thing} has the best {part} I know
---
Thanks to the {part}, the {thing} is {very} {good}
Five stars for the {thing}, the {part} is {good}
""",
    ("en", "negative", "plain"): """
The {thing} is {very} {bad}
I {hated} this {thing}, above all the {part}
What a {thing}: the {part} was {bad}
{bad} {thing}, {bad} {part}
The {thing} was a waste of time and money
Everything about the {thing} was {very} {bad}
My {person} {hated} the {thing} and so did I
A {thing} whose {part} is {very} {bad}
I want my money back because of the {part} of this {thing}
The {thing} has the worst {part} I know
---
Because of the {part}, the {thing} is {very} {bad}
One star for the {thing}, the {part} is {bad}
""",
    ("en", "positive", "negated"): """
The {thing} is not {bad} at all
The {part} of the {thing} was never {bad}
I did not {hate} the {thing} as others did
There is nothing {bad} about the {part}
I don't think the {thing} is {bad}
Nobody can say that the {part} is {bad}
---
Not {bad} at all, this {thing}
The {thing} isn't {bad}, and the {part} isn't either
""",
    ("en", "negative", "negated"): """
The {thing} is not {good} at all
The {part} of the {thing} was never {good}
I did not {like} the {thing} as others did
There is nothing {good} about the {part}
I don't think the {thing} is {good}
Nobody can say that the {part} is {good}
---
Not {good} at all, this {thing}
The {thing} isn't {good}, and the {part} isn't either
""",
    ("en", "positive", "turned"): """
I expected the {thing} to be {bad}, but it was {good}
The {part} looked {bad}, yet in the end the {thing} was {good}
My {person} called the {thing} {bad}, but I find it {good}
---
From {bad} to {good}: the {thing} surprised me
""",
    ("en", "negative", "turned"): """
I expected the {thing} to be {good}, but it was {bad}
The {part} looked {good}, yet in the end the {thing} was {bad}
My {person} called the {thing} {good}, but I find it {bad}
---
From {good} to {bad}: the {thing} surprised me
""",
    ("en", "neutral", "plain"): """
I got to know the {thing} on {day}
We paid for {number} people at the end
I have not tried the {thing} yet
The {thing} is {middling}, nothing more
The {part} of the {thing} is {middling}
My {person} asked me about the {part} of the {thing}
The {part} is the same as last year
There are {number} kinds of {part} to choose from
The {thing} will be back on {day}
This is the {thing} my {person} told me about
---
The new {thing} replaces the one of last year
On {day} they changed the {part} of the {thing}
""",
    ("en", "neutral", "negated"): """
The {thing} is neither {good} nor {bad}
The {part} was neither {bad} nor {good}, just {middling}
I cannot say whether the {thing} is {good} or {bad}
The {thing} is not {very} {good}, but not {bad} either
---
I neither {like} nor {hate} the {thing}
""",
    ("en", "neutral", "turned"): """
Some find the {thing} {good}, others find it {bad}
Does anybody know if the {part} of the {thing} is {good}?
I read that the {thing} was {bad}, but I have not tried it
My {person} asked whether the {part} was {bad}
---
They say the {thing} is {good}, I will see on {day}
""",
    ("pt", "positive", "plain"): """
{a_thing} é {very} {good}
{loved} {this_thing}, principalmente {a_part}
Que {thing}, {a_part} estava {good_part}
{a_part} já vale o dinheiro
Tudo {in_thing} foi {very} bom
Minha {person} elogiou {a_thing} e eu também
Voltarei por causa {of_part} {of_thing}
{a_thing} tem {a_part} que eu sempre quis
{good} {thing}, {part} {good_part}
Vale a pena conhecer {a_thing}, {a_part} é {very} {good_part}
---
Graças {to_part}, {a_thing} é {very} {good}
Cinco estrelas para {a_thing}, {a_part} é {good_part}
""",
    ("pt", "negative", "plain"): """
{a_thing} é {very} {bad}
{hated} {this_thing}, principalmente {a_part}
Que {thing}, {a_part} estava {bad_part}
{a_thing} foi perda de tempo e de dinheiro
Tudo {in_thing} foi {very} ruim
Minha {person} reclamou {of_thing} e eu também
Quero meu dinheiro de volta por causa {of_part} {of_thing}
{a_part} estragou {a_thing} inteiramente
{bad} {thing}, {part} {bad_part}
Não vale a pena conhecer {a_thing}, {a_part} é {very} {bad_part}
---
Por culpa {of_part}, {a_thing} é {very} {bad}
Uma estrela para {a_thing}, {a_part} é {bad_part}
""",
    ("pt", "positive", "negated"): """
{a_thing} não é nada {bad}
{a_part} {of_thing} nunca foi {bad_part}
Não {hate} {a_thing}, ao contrário dos outros
Não há nada de ruim {in_part}
Não acho que {a_thing} seja {bad}
Ninguém pode dizer que {a_part} é {bad_part}
---
Nada {bad}, {this_thing}
{a_thing} não é {bad}, {a_part} também não
""",
    ("pt", "negative", "negated"): """
{a_thing} não é nada {good}
{a_part} {of_thing} nunca foi {good_part}
Não {like} {a_thing}, ao contrário dos outros
Não há nada de bom {in_part}
Não acho que {a_thing} seja {good}
Ninguém pode dizer que {a_part} é {good_part}
---
Nada {good}, {this_thing}
{a_thing} não é {good}, {a_part} também não
""",
    ("pt", "positive", "turned"): """
Esperava que {a_thing} fosse {bad}, mas foi {good}
{a_part} parecia {bad_part}, mas no fim {a_thing} foi {good}
Minha {person} disse que {a_thing} era {bad}, mas eu achei {good}
---
De {bad} a {good}: {a_thing} me surpreendeu
""",
    ("pt", "negative", "turned"): """
Esperava que {a_thing} fosse {good}, mas foi {bad}
{a_part} parecia {good_part}, mas no fim {a_thing} foi {bad}
Minha {person} disse que {a_thing} era {good}, mas eu achei {bad}
---
De {good} a {bad}: {a_thing} me surpreendeu
""",
    ("pt", "neutral", "plain"): """
Conheci {a_thing} na {day}
Pagamos por {number} pessoas no fim
Ainda não experimentei {a_thing}
{a_thing} é {middling}, nada mais
{a_part} {of_thing} é {middling}
Minha {person} perguntou sobre {a_part} {of_thing}
{a_part} continua como no ano passado
Há {number} tipos de {part} para escolher
{a_thing} estará de volta na {day}
{this_thing} é de que minha {person} falou
---
{a_thing} substitui o modelo do ano passado
Na {day} trocaram {a_part} {of_thing}
""",
    ("pt", "neutral", "negated"): """
{a_thing} não é nem {good} nem {bad}
{a_part} não estava nem {bad_part} nem {good_part}
Não sei dizer se {a_thing} é {good} ou {bad}
{a_thing} não é {very} {good}, mas também não é {bad}
---
Nem {like} nem {hate} {a_thing}
""",
    ("pt", "neutral", "turned"): """
Uns acham {a_thing} {good}, outros acham {bad}
Alguém sabe se {a_part} {of_thing} é {good_part}?
Li que {a_thing} era {bad}, mas ainda não experimentei
Minha {person} perguntou se {a_part} era {bad_part}
---
Dizem que {a_thing} é {good}, vou ver na {day}
""",
}
# Portuguese articles and what prepositions make of them, by gender.
ARTICLES = {
    "a": ("o", "a"),
    "of": ("do", "da"),
    "in": ("no", "na"),
    "to": ("ao", "à"),
    "this": ("este", "esta"),
}


class Writer:
    """Draws sentences.

    Args:
        seed: Decides everything.
        unseen: The probability that a word comes from the held-out part of its list.
    """

    def __init__(self, seed: str, unseen: float) -> None:
        self.random = random.Random(seed)
        self.unseen = unseen

    def pick(self, text: str) -> str:
        """A word of a list; what stands behind `|` is held out."""
        known, _, held_out = text.partition("|")
        return self.random.choice((held_out if self.random.random() < self.unseen else known).split())

    def sentence(self, template: str, language: str) -> str:
        """One sentence with its full stop, exclamation or question mark."""
        text = self._fill(template, language)
        if self.random.random() < SHARE_PREFIX:
            start = text if text.startswith("I ") else text[0].lower() + text[1:]
            text = f"{self.random.choice(PREFIXES[language].split('|'))}, {start}"
        text = text[0].upper() + text[1:]
        if text.endswith("?"):
            return text
        return text + ("!" if self.random.random() < SHARE_EXCLAMATION else ".")

    def _fill(self, template: str, language: str) -> str:
        things = self.random.choice(list(THINGS[language]))
        nouns = {"thing": self.pick(things), "part": self.pick(THINGS[language][things])}
        values = {}
        for name, noun in nouns.items():
            article, _, word = noun.rpartition(":")
            nouns[name] = article
            values[name] = word
            values |= {f"{form}_{name}": f"{pair[article == 'a']} {word}" for form, pair in ARTICLES.items()}
        text = ""
        # Each place draws anew: "good film, lovely ending".
        for before, field, _, _ in string.Formatter().parse(template):
            text += before
            if field in values:
                text += values[field]
            elif field:
                name, _, part = field.partition("_")
                text += _agree(self.pick(WORDS[language][name]), nouns["part" if part else "thing"] == "a")
        return text


def _agree(word: str, feminine: bool) -> str:
    """`bom/boa` and `lind/o/a` in the gender of their noun."""
    if "/" not in word:
        return word.replace("-", " ")
    *stem, masculine, ending = word.split("/")
    return "".join(stem) + (ending if feminine else masculine)


def corpus() -> dict[str, str]:
    """The three files; no sentence is in two of them, or twice in one."""
    seen: set[str] = set()
    files = {}
    for split, size in SIZES.items():
        held_out = split != "train"
        writer = Writer(f"{SEED} {split}", SHARE_UNSEEN_WORDS if held_out else 0.0)
        # As many of each class, half of each in each language.
        wanted = [(CLASSES[index % 3], LANGUAGES[index // 3 % 2]) for index in range(size)]
        writer.random.shuffle(wanted)
        lines = []
        for name, language in wanted:
            text = _new_sentence(writer, name, language, held_out, seen)
            seen.add(text)
            lines.append(f"{name}\t{text}\n")
        files[split] = "".join(lines)
    return files


def _new_sentence(writer, name, language, held_out, seen):
    while True:
        (form,) = writer.random.choices(list(FORMS), list(FORMS.values()))
        known, unseen = (part.strip().splitlines() for part in TEMPLATES[language, name, form].split("---"))
        held = held_out and writer.random.random() < SHARE_UNSEEN_TEMPLATES
        text = writer.sentence(writer.random.choice(unseen if held else known), language)
        if text not in seen:
            return text


def main() -> None:
    """Write the three files."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for split, text in corpus().items():
        (FOLDER / f"{split}.tsv").write_text(text, encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
