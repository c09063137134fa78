"""English texts as they are read aloud: numbers, sums of money and abbreviations written out in words."""

import re
import unicodedata

ABBREVIATIONS = {
    "mrs": "missis", "mr": "mister", "dr": "doctor", "drs": "doctors", "st": "saint", "co": "company", "jr": "junior",
    "maj": "major", "gen": "general", "rev": "reverend", "lt": "lieutenant", "hon": "honorable", "sgt": "sergeant",
    "capt": "captain", "esq": "esquire", "ltd": "limited", "col": "colonel", "ft": "fort",
}  # fmt: skip
SIGNS = {"&": " and ", "%": " percent ", "@": " at ", "+": " plus ", "=": " equals ", "°": " degrees "}
QUOTES = {0x2018: "'", 0x2019: "'", 0x201C: '"', 0x201D: '"', 0x2013: "-", 0x2014: "-", 0x2026: "..."}  # typographic
SMALL = [
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve",
    "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen",
]  # fmt: skip
TENS = ["-", "-", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
SCALES = ("", "thousand", "million", "billion", "trillion")
LONGEST = 3 * len(SCALES)  # digits; longer numbers are read digit by digit
ORDINALS = {
    "one": "first", "two": "second", "three": "third", "five": "fifth", "eight": "eighth", "nine": "ninth",
    "twelve": "twelfth",
}  # fmt: skip
MONEY = {"$": (("dollar", "dollars"), ("cent", "cents")), "£": (("pound", "pounds"), ("penny", "pence"))}
MONEY["€"] = (("euro", "euros"), ("cent", "cents"))

SEPARATOR = re.compile(r"(?<=\d),(?=\d{3}(?!\d))")
AMOUNT = re.compile(r"([$£€])(\d+)(?:\.(\d{2})(?!\d))?")
ORDINAL = re.compile(r"\b(\d+)(?:st|nd|rd|th)\b", re.IGNORECASE)
NUMBER = re.compile(r"(\d+)(?:\.(\d+))?")
ABBREVIATION = re.compile(rf"\b({'|'.join(ABBREVIATIONS)})\.", re.IGNORECASE)


def read_aloud(text):
    """A text in lower-case ASCII letters and punctuation, as it is spoken: `Dr. Li paid $5` -> `doctor li paid five
    dollars`."""
    text = text.translate(QUOTES)
    text = ABBREVIATION.sub(lambda found: ABBREVIATIONS[found[1].lower()], text)
    text = SEPARATOR.sub("", text)
    text = AMOUNT.sub(read_amount, text)
    text = ORDINAL.sub(lambda found: ordinal_words(int(found[1])), text)
    text = NUMBER.sub(read_number, text)
    for sign, words in SIGNS.items():
        text = text.replace(sign, words)
    text = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode("ascii")
    return " ".join(text.lower().split())


def read_amount(found):
    """The words of a match of AMOUNT: `$2.50` -> `two dollars, fifty cents`."""
    (one, many), (small_one, small_many) = MONEY[found[1]]
    whole, part = int(found[2]), int(found[3] or 0)
    parts = [f"{cardinal_words(whole)} {one if whole == 1 else many}"] if whole or not part else []
    parts += [f"{cardinal_words(part)} {small_one if part == 1 else small_many}"] if part else []
    return ", ".join(parts)


def read_number(found):
    """The words of a match of NUMBER: a decimal digit by digit behind the point, four digits as a year."""
    digits, decimals = found[1], found[2]
    if decimals:
        return f"{cardinal_words(int(digits))} point {digit_words(decimals)}"
    if len(digits) > LONGEST or (len(digits) > 1 and digits[0] == "0"):
        return digit_words(digits)
    return year_words(int(digits)) if 1000 < int(digits) < 3000 else cardinal_words(int(digits))


def digit_words(digits):
    """The words of digits, one by one."""
    return " ".join(SMALL[int(digit)] for digit in digits)


def year_words(number):
    """The words of a number from 1001 to 2999 as years are read: 1984 is `nineteen eighty-four`, 2007 `two thousand
    seven`."""
    century, rest = divmod(number, 100)
    if number % 1000 < 10:
        return cardinal_words(number)
    if not rest:
        return f"{cardinal_words(century)} hundred"
    return f"{cardinal_words(century)} {'oh ' if rest < 10 else ''}{cardinal_words(rest)}"


def cardinal_words(number):
    """The words of a whole number below 10 ** 15; 342 is `three hundred forty-two`."""
    if number >= 1000:
        parts, scale = [], 0
        while number:
            number, part = divmod(number, 1000)
            if part:
                parts.insert(0, f"{cardinal_words(part)} {SCALES[scale]}".strip())
            scale += 1
        return " ".join(parts)
    if number >= 100:
        rest = number % 100
        return f"{SMALL[number // 100]} hundred" + (f" {cardinal_words(rest)}" if rest else "")
    if number < 20:
        return SMALL[number]
    return TENS[number // 10] + (f"-{SMALL[number % 10]}" if number % 10 else "")


def ordinal_words(number):
    """The words of an ordinal number: 21 is `twenty-first`."""
    words = cardinal_words(number) if number < 10**LONGEST else digit_words(str(number))
    start, last = re.fullmatch(r"(.*?)([a-z]+)", words).groups()
    last = ORDINALS.get(last) or (f"{last[:-1]}ieth" if last.endswith("y") else f"{last}th")
    return start + last
