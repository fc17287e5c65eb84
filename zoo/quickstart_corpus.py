"""Write the corpus of the quick start: Portuguese sentences about courts, companies and people, with their entities.

The sentences are made from the templates and lists below, all written for this purpose. Half of the validation and test
sentences come from templates, and half of their names from lists, that the training file has never seen.

Run it from anywhere: python zoo/quickstart_corpus.py
"""

import random
import re
from pathlib import Path

FOLDER = Path(__file__).resolve().parent.parent / "keras_seq" / "data" / "bundled" / "quickstart"
SEED = 7
SIZES = {"train": 800, "validation": 150, "test": 150}
TYPES = {"P": "PESSOA", "L": "LOCAL", "O": "ORGANIZACAO", "T": "TEMPO"}
SHARE_UNSEEN = 0.5

# P = person, L = place, O = organisation, T = time; N = a number and W = a noun that are no entities.
TEMPLATES = {
    "train": """
O juiz {P} , do {O} , decidiu em {T} .
A desembargadora {P} negou o recurso da {O} .
{P} nasceu em {L} em {T} .
A {O} anunciou em {T} a compra da {O} .
O processo nº {N} foi enviado a {L} .
Segundo {P} , a {O} não pagou o {W} .
O advogado {P} mora em {L} .
Em {T} , {P} viajou de {L} para {L} .
A sede da {O} fica em {L} .
O Ministro {P} votou contra o pedido .
A autora , {P} , pede R $ {N} à {O} .
O réu foi preso em {L} no dia {T} .
{O} e {O} assinaram o contrato em {T} .
A professora {P} ensina na {O} .
O {W} foi entregue a {P} em {L} .
Não houve recurso contra a decisão .
O pedido de {P} foi julgado em {T} pelo {O} .
A testemunha {P} disse que estava em {L} .
Moradores de {L} processaram a {O} .
A {O} abriu uma fábrica em {L} .
O contrato previa o pagamento de {N} parcelas .
Intime-se {P} para que responda em {N} dias .
Diante disso , o {O} manteve a sentença .
O relator , {P} , lembrou o caso de {T} .
A audiência será em {T} , em {L} .
Trata-se de ação movida por {P} contra {O} .
Julgo improcedente o pedido , nos termos do artigo {N} .
O diretor da {O} , {P} , deixou o cargo em {T} .
O acidente ocorreu em {L} , perto da {L} .
A empresa {O} contratou {N} pessoas .
O presidente do {O} recebeu {P} e {P} .
{P} e {P} compraram uma casa na {L} .
Desde {T} a {O} vende {W} no país .
O {W} custou R $ {N} e foi pago à vista .
Brasil e {L} discutiram o acordo em {T} .
O perito {P} entregou o {W} ao juízo .
""",
    "validation": """
A filha de {P} estuda na {O} .
Procurado pela {O} , {P} não quis falar .
Chove em {L} desde {T} .
O voto de {P} foi seguido pela turma .
Foi em {L} que {P} abriu a {O} .
O Ministério recorreu ao {O} em {T} .
De {T} a {T} , {P} trabalhou para a {O} .
Ficou provado que o {W} pertencia a {P} .
Os moradores da {L} esperam há {N} meses .
Com a palavra , o senhor {P} .
""",
    "test": """
Perguntado sobre o {W} , {P} respondeu que não sabia .
Na tarde de {T} , um incêndio atingiu {L} .
Conforme a ata de {T} , votaram {P} , {P} e {P} .
A dívida da {O} com {P} chega a R $ {N} .
Quem mora em {L} depende da {O} .
O acórdão do {O} cita a lição de {P} .
Até {T} , a {O} deverá devolver o {W} .
Voltou a {L} o engenheiro {P} .
Assinado por {P} em {L} , {T} .
Nenhum {W} foi achado na {L} .
""",
}
FIRST_NAMES = (
    "Maria José Ana João Antônio Francisca Carlos Paulo Adriana Juliana Pedro Lucas Márcia Fernanda Luiz Marcos "
    "Patrícia Aline Gabriel Rafael Daniel Sandra Camila Marcelo Bruno Eduardo Felipe Amanda Bruna Rodrigo Manoel "
    "Letícia Júlia Luciana André Vanessa Mariana Sérgio Renata Vitória",
    "Otávio Helena Caio Beatriz Murilo Simone Renan Tatiana Vicente Lorena Gustavo Elisa Joaquim Débora Teresa Ivo",
)
LAST_NAMES = (
    "Silva Santos Oliveira Souza Rodrigues Ferreira Alves Pereira Lima Gomes Costa Ribeiro Martins Carvalho Almeida "
    "Lopes Soares Fernandes Vieira Barbosa Rocha Dias Nascimento Andrade Moreira Nunes Marques Machado Mendes Freitas",
    "Cardoso Ramos Teixeira Pinto Moura Cavalcanti Azevedo Siqueira Campos Pacheco Queiroz Tavares Viana Bastos Brito",
)
CITIES = (
    "São Paulo|Rio de Janeiro|Salvador|Fortaleza|Belo Horizonte|Manaus|Curitiba|Recife|Goiânia|Belém|Porto Alegre|"
    "Campinas|São Luís|Maceió|Natal|Teresina|João Pessoa|Santos|Osasco|Uberlândia|Sorocaba|Londrina|Joinville|Niterói|"
    "Olinda|Lisboa|Buenos Aires|Paris|Montevidéu|Vitória",
    "Cuiabá|Aracaju|Florianópolis|Juiz de Fora|Feira de Santana|Caxias do Sul|Palmas|Macapá|Boa Vista|Blumenau|Campos|"
    "Madri|Santa Maria|Ouro Preto|Assunção",
)
STATES = (
    "do Paraná|da Bahia|de Minas Gerais|do Ceará|de Goiás|do Pará|de Pernambuco|do Maranhão|de São Paulo",
    "de Sergipe|do Amazonas|de Alagoas|do Piauí|de Santa Catarina|do Tocantins",
)
STREETS = ("Rua|Avenida|Praça", "Rua|Avenida|Travessa|Vila")
STREET_NAMES = (
    "Augusta|Paulista|da Consolação|Sete de Setembro|da República|das Flores|Brasil|Tiradentes|Rio Branco|do Comércio",
    "Quinze de Novembro|da Liberdade|das Palmeiras|Santos Dumont|da Independência|Dom Pedro",
)
ACRONYMS = ("STF|STJ|TST|INSS|IBGE|TRF|BNDES|CNJ|TCU|Petrobras|Embraer|Vale", "TSE|ANATEL|CVM|STM|Ibama|Fiocruz|Natura")
COURTS = (
    "Tribunal de Justiça {state}|Tribunal Regional Eleitoral {state}|Vara Cível de {city}|Ministério Público {state}",
    "Tribunal de Contas {state}|Defensoria Pública {state}|Vara Criminal de {city}",
)
COMPANIES = (
    "Construtora {last} Ltda|Banco {last}|Universidade Federal {state}|Prefeitura de {city}|{last} Transportes|"
    "Companhia de Águas {state}|Hospital {city}|Irmãos {last} S/A|Banco do Brasil",
    "Supermercados {last}|Associação Comercial de {city}|Editora {last}|Laboratório {last} S/A|"
    "Câmara Municipal de {city}|Usina {city}",
)
NOUNS = (
    "documento laudo imóvel veículo contrato aluguel seguro remédio computador dinheiro",
    "relatório cheque terreno celular livro projeto",
)
MONTHS = (
    "janeiro fevereiro março abril maio junho julho agosto setembro outubro novembro dezembro".split()  # noqa: SIM905
)
WEEKDAYS = ("segunda-feira|terça-feira|quarta-feira", "quinta-feira|sexta-feira|sábado")


class Writer:
    """Draws sentences.

    Args:
        seed: Decides everything.
        unseen: The probability that a name comes from the second, held-out list.
    """

    def __init__(self, seed: str, unseen: float) -> None:
        self.random = random.Random(seed)
        self.unseen = unseen

    def sentence(self, template: str) -> list[tuple[str, str]]:
        """The `(token, tag)` rows of one sentence."""
        rows = []
        for part in template.split():
            slot = re.fullmatch(r"\{(\w)\}", part)
            tokens = getattr(self, f"_{slot[1]}")().split() if slot else [part]
            kind = TYPES.get(slot[1]) if slot else None
            rows += [(token, f"{'I' if index else 'B'}-{kind}" if kind else "O") for index, token in enumerate(tokens)]
        return rows

    def pick(self, lists: tuple[str, str]) -> str:
        """An item of one of two lists: parted by `|` where there is one, else by spaces."""
        items = lists[self.random.random() < self.unseen]
        return self.random.choice(items.split("|" if any("|" in text for text in lists) else None))

    def _P(self) -> str:
        form = self.random.random()
        if form < 0.1:
            return self.pick(FIRST_NAMES)
        if form < 0.2:
            return self.pick(LAST_NAMES)
        middle = self.random.choice(["", "", "de", "da", self.pick(FIRST_NAMES), self.pick(LAST_NAMES)])
        return f"{self.pick(FIRST_NAMES)} {middle} {self.pick(LAST_NAMES)}"

    def _L(self) -> str:
        form = self.random.random()
        if form < 0.2:
            return f"{self.pick(STREETS)} {self.pick(STREET_NAMES)}"
        return self.pick(STATES).split(maxsplit=1)[1] if form < 0.35 else self.pick(CITIES)

    def _O(self) -> str:
        form = self.random.random()
        if form < 0.3:
            return self.pick(ACRONYMS)
        pattern = self.pick(COURTS if form < 0.55 else COMPANIES)
        return pattern.format(state=self.pick(STATES), city=self.pick(CITIES), last=self.pick(LAST_NAMES))

    def _T(self) -> str:
        day, month, year = self.random.randint(2, 28), self.random.choice(MONTHS), self.random.randint(1988, 2024)
        forms = [
            f"{day} de {month} de {year}",
            f"{day} de {month}",
            f"{month} de {year}",
            f"{year}",
            f"{day:02d}/{MONTHS.index(month) + 1:02d}/{year}",
            self.pick(WEEKDAYS),
        ]
        return self.random.choice(forms)

    def _N(self) -> str:
        number = self.random.randint(2, 99)
        return self.random.choice([f"{number}", f"{number}.{self.random.randint(100, 999)}", f"{1900 + number}"])

    def _W(self) -> str:
        return self.pick(NOUNS)


def corpus(split: str) -> str:
    """The file of one split."""
    held_out = split != "train"
    writer = Writer(f"{SEED} {split}", SHARE_UNSEEN if held_out else 0.0)
    templates = {name: text.strip().splitlines() for name, text in TEMPLATES.items()}
    lines = []
    for _ in range(SIZES[split]):
        unseen = held_out and writer.random.random() < SHARE_UNSEEN
        rows = writer.sentence(writer.random.choice(templates[split if unseen else "train"]))
        lines += [f"{token} {tag}\n" for token, tag in rows] + ["\n"]
    return "".join(lines)


def main() -> None:
    """Write the three files."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for split in SIZES:
        (FOLDER / f"{split}.conll").write_text(corpus(split), encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
