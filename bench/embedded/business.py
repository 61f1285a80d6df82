"""Domains about business: orders, invoices, bank transfers, bookings, products, tickets, shipments, companies."""

from __future__ import annotations

from .domain import Domain, make_domain, make_field as f
from .people import CITY, CODE, COMPANY, EMAIL, NAME, PHONE_FIELD
from .values import (
    bool_kind, choice_kind, choices_list, clock_text_kind, date_kind, email_kind, enum_kind, int_kind, moment_kind,
    money_kind, num_kind, street_text, text_kind, time_kind, url_kind, year_kind,
)
from .words import NOUNS

PRODUCT = text_kind(lambda w: (w.title(1, 2) + " " if w.source.random() < 0.6 else "") + w.choose(NOUNS).title()
                    if w.source.random() < 0.8 else w.invented() + " " + w.choose(["Pro", "X", "Mini", "Plus", "2", "Max"]))
COLOR = choice_kind("red|blue|green|yellow|black|white|purple|orange|teal|pink|brown|grey|silver|gold|navy|beige|turquoise|"
                    "dark blue|light green|matte black")
CURRENCY = enum_kind(USD="US dollars|dollars", EUR="euros|euro", GBP="pounds|sterling", CHF="Swiss francs|francs", JPY="yen")

PAID = f("paid|is paid|settled|payment received|already paid", bool_kind(), "", "", """
    {S} [is|has been|was] [already |]paid
    [The payment|The money|Payment] [has arrived|was received|came in]
    {S} [is|was] settled [in full|]
    {S} was paid [yesterday|last week|by card]
    The customer [has|already] paid
    Nothing is [owed|due] any more
    """, """
    {S} [is not|isn't|was not|has not been] paid [yet|so far|]
    {S} is [unpaid|still open|outstanding]
    [Payment|The money] [is still missing|has not arrived|is pending]
    We [are still waiting|wait] for the [payment|money]
    The customer [still has to|has yet to] pay
    {S} remains unpaid
    """)
EXPRESS = f("express|express delivery|is express|priority shipping|rush", bool_kind(), "", "", """
    [Please use|Use|We chose] express [delivery|shipping]
    {S} goes [by express|express]
    [Ship|Send] it as fast as possible
    It is a rush [order|delivery]
    Express [delivery|shipping] was [selected|requested]
    """, """
    [Standard|Normal|Regular] [delivery|shipping] is fine
    There is no [hurry|rush]
    Express is not needed
    {S} goes by [normal|regular] mail
    Take your time with the delivery
    """)
GIFT = f("gift|is gift|gift wrap|as gift|gift wrapping", bool_kind(), "", "", """
    [It|This] is a [gift|present]
    Please wrap it [as a gift|nicely|in gift paper]
    {S} is meant as a present
    Add gift wrapping
    """, """
    [It|This] is not a gift
    No gift wrapping [please|needed]
    It does not need to be wrapped
    {S} is for [own use|myself]
    """)
QUANTITY = f("quantity|qty|amount|count|number of items|pieces|units", int_kind(1, 60), """
    [The customer|We|They] [ordered|want|need|took] {v} [pieces|units|of them]
    [The|] quantity is {v}
    {v} [pieces|units|items] [were ordered|are needed|please]
    [It is|That makes] {v} [pieces|units] in total
    The order is for {v} [pieces|units]
    """, "{v} pcs|x{v}|qty {v}|{v} pieces|{v}x")
PRICE = f("price|unit price|cost|price per unit|item price", money_kind(1, 2500), """
    [It|{S}] costs {v}
    [The|Its] price is {v}
    [It|{S}] [sells|goes|is on sale] for {v}
    [It|{S}] is [priced|offered] at {v}
    [You|Customers] pay {v} [for it|]
    {v} is the price
    [You can|] get it for [only |just |]{v}
    It is yours for {v}
    The [shop|store] asks {v}
    """, "{v}|at {v}|{v} each|for {v}")
TOTAL = f("total|total amount|total price|amount|sum|grand total|total cost|amount due", money_kind(5, 9000), """
    [The|] total is {v}
    [The|] [sum|amount|bill] [comes to|is|amounts to] {v}
    {S} [totals|amounts to|comes to|adds up to] {v}
    {v} [is due|is owed|has to be paid]
    [All in all|Altogether|In total][,|] it [is|costs|makes] {v}
    [Please pay|You owe us|Kindly transfer] {v}
    {S} is worth {v}
    We [charged|billed] {v} [in total|]
    """, "{v}|total {v}|= {v}")
CUSTOMER = f("customer|customer name|client|buyer|ordered by|client name|purchaser", NAME, """
    {v} [placed|made] the order
    The [customer|client|buyer] is {v}
    {S} [was placed|comes|came] [by|from] {v}
    {v} [bought|ordered|purchased] it
    It [is|was] [for|ordered by] {v}
    {S} belongs to {v}
    """, "{v}|for {v}|customer {v}")
STREET_TO = f("address|delivery address|shipping address|ship to|street", text_kind(street_text), """
    [Ship|Send|Deliver|Bring] [it|everything|{S}] to {v}
    {S} [goes|ships] to {v}
    The [delivery|shipping] address is {v}
    Delivery is to {v}
    Destination: {v}
    """, "to {v}|{v}")
CITY_TO = f("city|town|destination city|delivery city", CITY, """
    {S} goes to {v}
    The city is {v}
    Delivery [is|goes] to {v}
    The [buyer|customer] lives in {v}
    """, "{v}|in {v}")
NOTES = f("notes|comment|remarks|note|message|instructions", text_kind(lambda w: w.choose([
    "leave at the door", "ring twice", "call before delivery", "handle with care", "no onions please", "second floor",
    "the bell is broken", "keep it cold", "do not bend", "use the back entrance", "thanks a lot", "see you soon",
    'sign as "neighbour"', "fragile", "give it to {0}", "{0} will pick it up", "ask for {0}", "urgent for {0}", "beware of the {1}",
    "put it behind the {1}", "the {1} is {2}", "we need the {1} before the {2}", 'the label says "{1} {2}"']
    ).format(w.first_name(), w.draw("word"), w.draw("word"))), """
    [Note|Comment|Remark|Notes]: {v}
    The note says: {v}
    [The customer|He|She] wrote "{v}"
    The [comment|remark|instruction] is: {v}
    There is a note: {v}
    """)

ORDER = make_domain("order", "order|purchase|sale", "order id", """
    [Order|Order no.|Order number|Purchase] {order id}
    The order {order id}
    """, "The order|It|This order|The purchase", """
    {customer} [ordered|bought|purchased|wants|would like|needs] {quantity} {product}[s|] [for|at] {price} [each|apiece|a piece|per piece]
    {customer} [ordered|bought|purchased] {quantity} x {product}
    {customer} [ordered|bought] [a|one|the] {product} for {price} on {order date}
    [Please send|Please ship|Send|I would like|I'd like|We need|I want to order] {quantity} {product}[s|] [to|in] {city}
    Order {order id} [by|from|placed by|for] {customer}: {quantity} {product}
    Order {order id}[, dated|, placed on| of] {order date}, [totals|comes to|is worth] {total}
    [On|As of] {order date}, {customer} placed order {order id}
    [Hi|Hello], I ordered [a|the] {product} in {color} on {order date}
    {quantity} {product} in {color} for {customer}
    {customer} from {city} [ordered|wants] {quantity} {product}
    {customer} <{email}> ordered the {product}
    [a|an] {color} {product} was [bought|ordered] by {customer}
    Ship {quantity} {color} {product} to {address}
    We sold {quantity} {product} to {customer} [for|at] {price}
    Can I get {quantity} of the {product}[, please|]?
    I'll take {quantity} {product} [in|, colour] {color}
    Thank you for your order {order id}, {customer}. The total is {total}
    """, [
    f("order id|order number|id|order no|reference|order ref|number", CODE, """
    The order number is {v}
    The reference [for this |]is {v}
    {S} has [the number|the ID] {v}
    Please [quote|mention] {v}
    It is filed under {v}
    """, "{v}|#{v}|order {v}|no. {v}"),
    CUSTOMER, f("product|item|article|product name|item name|goods", PRODUCT, """
    The [product|item|article] is [the |a |]{v}
    [It is about|We are talking about] the {v}
    {S} [contains|includes|is for] [the |a |]{v}
    [The customer|They] chose the {v}
    """, "{v}"),
    QUANTITY, PRICE, TOTAL, EMAIL, PHONE_FIELD, STREET_TO, CITY_TO, PAID, EXPRESS, GIFT, NOTES,
    f("color|colour|shade|finish", COLOR, """
    The [color|colour] is {v}
    [Make it|It should be|Please in|Preferably in] {v}
    [It|The article] comes in {v}
    [We|I] [want|prefer|chose] it in {v}
    """, "{v}|in {v}|colour {v}"),
    f("size|item size|dimension", enum_kind(small="S|little", medium="M|mid-size", large="L|big", extra_large="XL|very large"), """
    The size is {v}
    [Please take|We need] size {v}
    It should be {v}
    """, "size {v}|{v}"),
    f("order date|date|ordered on|date of order|placed on|purchase date", date_kind(2015, 2029), """
    {S} was placed on {v}
    {S} [dates from|is from|came in on] {v}
    The [order |]date is {v}
    It was ordered on {v}
    """, "{v}|dated {v}|on {v}"),
    f("delivery date|deliver by|due date|expected delivery|delivery on|arrival", date_kind(2015, 2029), """
    [Deliver|Delivery is|It arrives|It should arrive|Please deliver] [by|before|on] {v}
    {S} [will be delivered|is due|arrives] on {v}
    The delivery date is {v}
    [We|They] expect it on {v}
    Needed by {v}
    """, "due {v}|delivery {v}|by {v}"),
    f("status|order status|state", enum_kind(pending="waiting|not processed yet", shipped="sent|on its way|dispatched",
      delivered="arrived|handed over", cancelled="called off|canceled|withdrawn", processing="in progress|being prepared",
      returned="sent back"), """
    {S} [is|has been|was] {v}
    [The|] [order |]status is {v}
    {S} is [marked|listed|shown] as {v}
    """, "{v}|status {v}"),
    f("payment method|payment|paid with|pay by|payment type", enum_kind(credit_card="card|Visa|Mastercard", cash="in cash|cash on delivery",
      paypal="PayPal", bank_transfer="transfer|wire transfer", invoice="on account"), """
    [Payment|It] is by {v}
    The customer pays [by|with|via] {v}
    The [payment method|payment] is {v}
    {v} was used for payment
    """, "{v}|by {v}"),
    f("currency|currency code", CURRENCY, """
    The currency is {v}
    Prices are in {v}
    All amounts are in {v}
    """, "{v}"),
    f("discount|discount percent|rebate|discount in percent|percent off", int_kind(1, 70), """
    [The customer gets|There is|We give|Apply] [a discount of |]{v} [percent|%] [off|]
    [A|The] discount [is|of] {v}[%| percent] [applies|is granted]
    [Minus|With] {v}% off
    """, "{v}% off|-{v}%|{v} percent discount"),
], {"customer": "customer|email|phone|city", "shipping": "address|city|delivery date|express", "item": "product|quantity|price|color",
    "payment": "payment method|paid|total|currency", "delivery": "delivery date|express|address"})

INVOICE = make_domain("invoice", "invoice|bill", "invoice number", """
    [Invoice|Invoice no.|Invoice number|Bill] {invoice number}
    The invoice {invoice number}
    """, "The invoice|It|The bill|This invoice", """
    Invoice {invoice number} [from|by|issued by] {vendor}[ to {customer}|] [over|for|of] {total}
    {vendor} [billed|invoiced|charged] {customer} {total} on {invoice date}
    {vendor} sent [us |]an invoice [over|for] {total}, due {due date}
    [Please pay|Kindly settle] {total} to {vendor} by {due date}
    [Attached|Enclosed] [is|please find] invoice {invoice number}, dated {invoice date}
    Bill {invoice number} of {invoice date} [amounts|comes] to {total}
    [Dear|Hello] {customer}, your invoice {invoice number} over {total} is due on {due date}
    {customer} owes {vendor} {total}
    {vendor} [bills|invoices] {hours} hours of {service} at {hourly rate}
    For {service}, {vendor} charges {total}
    """, [
    f("invoice number|invoice id|number|invoice no|bill number|id", CODE, """
    The [invoice |bill |]number is {v}
    [Please |]quote {v} [with the payment|]
    It carries the number {v}
    """, "{v}|no. {v}|invoice {v}"),
    f("vendor|supplier|seller|issued by|company|billed by|from", COMPANY, """
    {S} [comes|is] from {v}
    The [vendor|supplier|seller] is {v}
    {v} [issued|sent|wrote] [it|the invoice|the bill]
    {S} was issued by {v}
    The money goes to {v}
    """, "{v}|from {v}"),
    f("customer|client|bill to|billed to|recipient|customer name", NAME, """
    {S} [is|goes] to {v}
    The [customer|client|recipient] is {v}
    {S} is addressed to {v}
    {v} has to pay
    {S} was made out to {v}
    """, "to {v}|{v}|for {v}"),
    TOTAL, PAID, EMAIL, STREET_TO, NOTES,
    f("invoice date|date|issued on|issue date|billing date", date_kind(2012, 2029), """
    {S} [is dated|was issued|was written] [on |]{v}
    The [invoice |]date is {v}
    {S} [is from|dates from] {v}
    """, "{v}|dated {v}|of {v}"),
    f("due date|payment due|pay by|due|due on|deadline", date_kind(2012, 2030), """
    {S} is [due|payable] [on|by] {v}
    [Payment|The money] is due [on|by] {v}
    [Please pay|Pay|Kindly settle it] [by|before|until] {v}
    The [due date|deadline] is {v}
    We expect the payment by {v}
    """, "due {v}|payable by {v}|due on {v}"),
    f("tax|vat|tax amount|sales tax|tax total", money_kind(1, 900), """
    [The|] [tax|VAT] is {v}
    {S} includes {v} [tax|VAT]
    [Tax|VAT] [comes to|amounts to|of] {v} [is included|]
    """, "tax {v}|VAT {v}|incl. {v} VAT"),
    f("tax rate|vat rate|vat percent|tax percent", int_kind(5, 25), """
    The [tax|VAT] rate is {v}[%| percent]
    {v}% [VAT|tax] [applies|is included|is added]
    """, "{v}% VAT|{v}% tax"),
    f("subtotal|net amount|net|net total|net price", money_kind(5, 8000), """
    The [subtotal|net amount] is {v}
    Before [tax|VAT] it is {v}
    Net, that is {v}
    """, "net {v}|subtotal {v}"),
    f("service|description|for|subject|billed service|work done", choice_kind(
        "web design|consulting|translation|cleaning|plumbing|printing|repairs|legal advice|training|catering|hosting|photography|"
        "tax advice|gardening|painting the office|software maintenance|car rental|bookkeeping"), """
    {S} is for {v}
    [The service|What we did] [was|is] {v}
    It [covers|concerns] {v}
    """, "{v}|for {v}"),
    f("hours|hours worked|number of hours|billed hours", int_kind(1, 200), """
    [It took|We worked|We bill] {v} hours
    {v} hours were [worked|billed]
    """, "{v} hours|{v} h"),
    f("hourly rate|rate|rate per hour|price per hour", money_kind(15, 250), """
    The [hourly rate|rate] is {v}
    [We|They] charge {v} [per|an] hour
    An hour costs {v}
    """, "{v}/h|{v} per hour"),
    f("currency|currency code", CURRENCY, """
    The currency is {v}
    All amounts are in {v}
    {S} is in {v}
    """, "{v}"),
    f("iban|account|account number|bank account", text_kind(lambda w: w.choose(["DE", "FR", "ES", "NL", "GB"]) + "".join(
        str(w.source.randint(0, 9)) for _ in range(w.source.choice([10, 16, 20])))), """
    [Transfer|Pay] to {v}
    The [IBAN|account] is {v}
    Our account: {v}
    """, "{v}|IBAN {v}"),
], {"amounts": "subtotal|tax|total|currency", "dates": "invoice date|due date", "payment": "total|due date|paid|iban",
    "parties": "vendor|customer"})

TRANSFER = make_domain("transfer", "transfer|payment|transaction|remittance", "reference", """
    [Transfer|Transaction|Payment] {reference}
    The transfer {reference}
    """, "The transfer|It|The payment|The transaction", """
    [Transfer|Send|Move|Wire] {amount} [from {sender} |]to {recipient}
    {sender} [sent|transferred|wired|paid] {amount} to {recipient}
    {sender} [sent|paid] {recipient} {amount} on {date}
    {recipient} [received|got] {amount} from {sender}
    On {date}, {amount} [was|were] transferred to {recipient}
    [Please|Kindly] [transfer|pay|wire] {amount} to {recipient} [by|on] {date}
    [A payment|A transfer] of {amount} [went|goes] to {recipient}
    {amount} [went|was sent] from {sender} to {recipient} for {purpose}
    I [want|would like] to send {amount} to {recipient}, account {iban}
    {recipient} will get {amount} for {purpose}
    """, [
    f("sender|from|payer|sent by|from account holder|originator", NAME, """
    The [sender|payer] is {v}
    {v} [sent|paid] [it|the money]
    {S} comes from {v}
    The money [is|comes] from {v}
    It was sent by {v}
    """, "from {v}"),
    f("recipient|to|payee|beneficiary|receiver|paid to", text_kind(lambda w: w.full_name() if w.source.random() < 0.6 else w.company()), """
    The [recipient|payee|beneficiary|receiver] is {v}
    {v} [gets|receives|will receive] [it|the money]
    {S} goes to {v}
    The money [is|goes] to {v}
    """, "to {v}"),
    f("amount|sum|value|total|transfer amount", money_kind(5, 20000), """
    The [amount|sum] is {v}
    {S} [amounts to|is over|is for|comes to] {v}
    {v} [was|were|will be] [sent|transferred|moved]
    """, "{v}"),
    f("date|transfer date|booking date|executed on|value date|execution date", date_kind(2015, 2029), """
    {S} [was made|took place|was executed|is scheduled] on {v}
    The [date|value date] is {v}
    It [happened|will happen] on {v}
    """, "{v}|on {v}"),
    f("iban|account number|account|to account|recipient account", text_kind(lambda w: w.choose(["DE", "FR", "ES", "NL", "GB", "PT"]) + "".join(
        str(w.source.randint(0, 9)) for _ in range(w.source.choice([10, 16, 20])))), """
    The [IBAN|account number|account] is {v}
    {S} goes to account {v}
    The money goes to {v}
    """, "IBAN {v}|account {v}|{v}"),
    f("purpose|reason|subject|description|memo|payment reference", choice_kind(
        "rent|rent for March|groceries|salary|tuition fees|car repair|birthday gift|concert tickets|electricity bill|insurance|"
        "dinner last night|holiday flat|deposit|membership fee|donation|new laptop|loan repayment"), """
    {S} is for {v}
    The [purpose|reason|subject|memo] is {v}
    It [pays|covers] {v}
    Write "{v}" [as the purpose|in the memo field]
    """, "for {v}|{v}"),
    f("reference|reference number|transaction id|id|transfer id", CODE, """
    The [reference|transaction ID] is {v}
    {S} has the reference {v}
    """, "ref {v}"),
    f("currency|currency code", CURRENCY, "The currency is {v}\nIt is in {v}", "{v}"),
    f("bank|bank name|sending bank", text_kind(lambda w: w.company() + " Bank"), """
    The bank is {v}
    {S} goes through {v}
    The account is at {v}
    """, "{v}"),
    f("fee|fees|transfer fee|charges", money_kind(0, 40), """
    The [fee|charge] is {v}
    [The bank charges|It costs] {v} in fees
    There is a fee of {v}
    """, "fee {v}"),
    f("recurring|is recurring|standing order|repeats|monthly", bool_kind(), "", "", """
    {S} [repeats|is repeated] every month
    This is a standing order
    Do [it|this] every month
    {S} is recurring
    """, """
    {S} is made [once|only once]
    This is a one-time [payment|transfer]
    {S} will not be repeated
    Not a standing order
    """),
    f("status|state|transfer status", enum_kind(completed="done|executed|finished", pending="waiting|on hold", failed="rejected|unsuccessful",
      scheduled="planned|set for later"), """
    {S} [is|was] {v}
    The status is {v}
    """, "{v}|status {v}"),
    f("instant|is instant|instant transfer|immediate", bool_kind(), "", "", """
    {S} should be instant
    [Do it|Send it] right away
    Use an instant transfer
    """, """
    {S} need not be instant
    A normal transfer is fine
    There is no hurry with it
    """),
], {"from": "sender|bank", "to": "recipient|iban", "money": "amount|currency|fee", "details": "date|purpose|reference"})

BOOKING = make_domain("booking", "booking|reservation|stay", "booking id", """
    [Booking|Reservation|Booking no.|Confirmation] {booking id}
    The [booking|reservation] {booking id}
    """, "The booking|The reservation|It", """
    {guest} [booked|reserved|would like|wants] [a|the] {room type} [room |]at {hotel} [from {check in} to {check out}|]
    [I would like|I'd like|We want|I want|I need] to [book|reserve] a room for {guests} [people|persons|guests] from {check in} to {check out}
    {guest} [stays|is staying|will stay] at {hotel} from {check in} [until|to|till] {check out}
    [Reservation|Booking] for {guest}, {guests} [people|persons|guests], {nights} nights
    {guest} arrives on {check in} and leaves on {check out}
    {guest} will stay {nights} nights at {hotel} in {city}
    Table for {guests} [under the name|in the name of|for] {guest} at {time}
    {guest} has booked {nights} nights at the {hotel}, {price} per night
    A table for {guests} at {time}, name {guest}
    Confirmed: {hotel}, {check in} - {check out}, {guests} guests, {price}
    [Dear|Hello] {guest}, your booking {booking id} at {hotel} is confirmed
    We are {guests} people and want to stay {nights} nights, starting {check in}
    {guest} needs a room in {city} for {nights} nights
    """, [
    f("guest|guest name|name|booked by|booking name|customer", NAME, """
    The [guest|name] is {v}
    [The booking|It] is [in the name of|under|for] {v}
    {v} [made|placed] the [booking|reservation]
    {S} was made by {v}
    """, "{v}|for {v}|name {v}"),
    f("hotel|hotel name|property|place|accommodation|venue", text_kind(lambda w: w.choose(["Hotel ", "", "The ", "Pension ", "Villa "]) + w.title(1, 2) +
      w.choose([" Hotel", " Inn", " Resort", " Palace", " Lodge", ""])), """
    The [hotel|place] is [called |]{v}
    {S} is at [the |]{v}
    The guests stay at {v}
    """, "{v}|at {v}"),
    f("city|destination|location|town", CITY, """
    The [hotel|place] is in {v}
    The [city|destination] is {v}
    {S} is for {v}
    """, "{v}|in {v}"),
    f("check in|check in date|arrival|arrival date|from|start date|from date", date_kind(2015, 2030), """
    Check-in is [on |]{v}
    [The guests|They|We] [arrive|come|check in] on {v}
    The [arrival|stay] [is|begins|starts] on {v}
    [It|The stay] runs from {v}
    """, "from {v}|check-in {v}|arrival {v}"),
    f("check out|check out date|departure|departure date|to|end date|until", date_kind(2015, 2030), """
    Check-out is [on |]{v}
    [The guests|They|We] [leave|depart|check out] on {v}
    The [departure|stay] [is|ends] on {v}
    [It|The stay] [ends|lasts until] {v}
    """, "to {v}|until {v}|check-out {v}|departure {v}"),
    f("nights|number of nights|length of stay|duration|stay nights", int_kind(1, 21), """
    The stay is {v} nights
    [They|We] [stay|book] {v} nights
    It is for {v} nights
    """, "{v} nights"),
    f("guests|number of guests|people|party size|persons|number of people|guest count", int_kind(1, 12), """
    [There will be|We are|It is for|They are|For] {v} [guests|people|persons]
    The party is {v} [people|]
    [A group|A party] of {v}
    {v} [people|guests|persons] will come
    """, "{v} guests|{v} people|party of {v}|{v} persons"),
    f("room type|room|room category|type of room", enum_kind(single="single-bed|for one person", double="twin|with a double bed", suite="luxury suite",
      family="family-size|for a family", deluxe="superior"), """
    The room [type |]is {v}
    [They|We] [want|get|chose] a {v} room
    Please a {v} room
    """, "{v} room|{v}"),
    f("breakfast|breakfast included|with breakfast|includes breakfast", bool_kind(), "", "", """
    Breakfast is included
    [They|We] [want|take|would like] breakfast
    The price includes breakfast
    With breakfast, please
    """, """
    Breakfast is not included
    [They|We] don't [want|need] breakfast
    Without breakfast
    No breakfast, please
    The price does not include breakfast
    """),
    f("price|total price|cost|rate|price per night|nightly rate", money_kind(20, 2000), """
    The [price|rate] is {v}
    It costs {v}
    [They|We] pay {v}
    A night costs {v}
    """, "{v}|{v} per night|for {v}"),
    f("booking id|confirmation number|reservation number|booking number|reference|confirmation code", CODE, """
    The [confirmation|booking|reservation] number is {v}
    [Your|The] [reference|confirmation code] is {v}
    """, "{v}|ref. {v}|no. {v}"),
    f("time|arrival time|at|reservation time|hour", clock_text_kind(), """
    The time is {v}
    [They|We] will be there at {v}
    Please [expect us|have it ready] at {v}
    """, "at {v}|{v}"),
    f("pets|pets allowed|with pets|brings pet|has pet", bool_kind(), "", "", """
    [They|We] [bring|travel with] a dog
    Pets are [allowed|welcome]
    A pet comes along
    """, """
    [They|We] have no pets
    Pets are not allowed
    No animals
    """),
    f("confirmed|is confirmed|confirmation", bool_kind(), "", "", """
    {S} is confirmed
    The hotel has confirmed
    We have the confirmation
    """, """
    {S} is not confirmed [yet|]
    The hotel has not confirmed
    We are waiting for the confirmation
    """),
    f("special requests|requests|wishes|special wishes|extras", choices_list("late check-in|a quiet room|extra pillows|a baby cot|vegan food|sea view|"
      "parking|a high floor|airport shuttle|no smoking|two keys"), """
    [They|We] [ask for|request|would like] {v}
    Special [wishes|requests]: {v}
    [Please arrange|If possible,] {v}
    """, "requests: {v}"),
    EMAIL, PHONE_FIELD, PAID,
], {"dates": "check in|check out|nights", "guest": "guest|email|phone", "stay": "hotel|city|nights", "room": "room type|breakfast|price"})

PRODUCT_DOMAIN = make_domain("product", "product|item|article|device|gadget", "name", """
    The {name}
    [Our|The] new {name}
    {name}
    [Product|Item]: {name}
    """, "It|The product|The item|This model", """
    The {name} [by|from] {brand} [costs|sells for|is priced at|is available for] {price}
    {brand} [presents|launches|sells|offers|makes] the {name} for {price}
    [New|Now available|On sale|Just in]: {name} [in {color} |]for [only |just |]{price}
    The {name} is [a|an] {color} {category} [item|product] weighing {weight} kg
    {name}, {color}, {price}
    [Introducing|Discover|Meet] the {name}, [made|built] [by|from] {brand}
    Get the {name} for {price}, [available|in stock] since {release date}
    {name} ({sku}) costs {price}
    The {color} {name} [costs|is] {price}
    We have {stock} {name} in stock at {price}
    Rated {rating} [stars|out of 5], the {name} is [a bargain at|yours for] {price}
    The {name} comes with {warranty} years of warranty
    """, [
    f("name|product name|product|item|title|model", PRODUCT, "The [product|item] is called {v}\nThe name is {v}\nThis is the {v}", "{v}"),
    PRICE, f("brand|manufacturer|maker|made by|producer|company", COMPANY, """
    {S} is [made|built|produced|manufactured] by {v}
    The [brand|manufacturer|maker] is {v}
    {v} [makes|builds|produces] it
    It [comes|is] from {v}
    """, "{v}|by {v}"),
    f("color|colour|available color|shade", COLOR, """
    The [color|colour] is {v}
    {S} [comes|is available|is sold] in {v}
    {S} is {v}
    It has a {v} finish
    """, "{v}|in {v}|colour {v}"),
    f("category|product category|type|department|section", enum_kind(electronics="electronic|tech", furniture="home furniture", clothing="apparel|fashion",
      toys="toy|for children", sports="sport|fitness", kitchen="cooking", garden="outdoor"), """
    The category is {v}
    You [will |]find it [in|under] {v}
    {S} belongs to {v}
    """, "{v}"),
    f("weight|weight kg|weight in kg|mass|shipping weight", num_kind(0.1, 60, 1), """
    {S} weighs {v} [kg|kilos|kilograms]
    [The|Its] weight is {v} kg
    {S} is {v} kg heavy
    """, "{v} kg|weight {v} kg"),
    f("stock|in stock count|quantity|units in stock|inventory|available units", int_kind(0, 5000), """
    [We have|There are] {v} [pieces|units|] [in stock|left|in the warehouse]
    [The|] stock is {v}
    {v} [units|pieces] are available
    Only {v} left
    """, "{v} in stock|stock {v}"),
    f("in stock|available|is available|availability", bool_kind(), "", "", """
    {S} is [in stock|available|ready to ship]
    You can buy it [now|today]
    We have it in stock
    {S} can be ordered at once
    """, """
    {S} is [out of stock|sold out|not available|unavailable]
    It is not in stock [at the moment|right now|]
    You cannot buy it at the moment
    We do not have it any more
    """),
    f("rating|stars|average rating|score|customer rating", num_kind(1, 5, 1), """
    {S} is rated {v} [stars|out of 5]
    [Customers|Buyers] give it {v} [stars|out of five|]
    It has [a rating of |]{v} stars
    The [average |]rating is {v}
    """, "{v} stars|{v}/5|rated {v}"),
    f("warranty|warranty years|guarantee|guarantee years|years of warranty", int_kind(1, 10), """
    {S} comes with {v} years [of |]warranty
    The [warranty|guarantee] [lasts|is] {v} years
    """, "{v} years warranty"),
    f("sku|article number|product code|item number|product id|model number", CODE, """
    The [SKU|article number|product code|item number] is {v}
    {S} is listed [as|under] {v}
    Order it with the code {v}
    """, "{v}|SKU {v}|art. {v}"),
    f("release date|available since|released|launch date|launched on|available from", date_kind(2008, 2029), """
    {S} [was released|came out|was launched|appeared|has been on sale] on {v}
    The [release|launch] date is {v}
    It has been available since {v}
    """, "released {v}|since {v}"),
    f("features|highlights|functions|properties|specs", choices_list("waterproof|foldable|wireless|dishwasher-safe|USB-C|touch screen|solar powered|"
      "noise cancelling|Bluetooth|lightweight|quick charge|anti-slip|adjustable height"), """
    {S} [is|features|has|offers] {v}
    [Features|Highlights] [include|are] {v}
    """, "features: {v}"),
    f("material|made of|fabric|material type", choice_kind("wood|oak|steel|aluminium|plastic|glass|cotton|leather|bamboo|ceramic|stainless steel|"
      "recycled plastic|linen|carbon fibre|wool"), """
    {S} is made [of|from] {v}
    The material is {v}
    It consists of {v}
    """, "{v}|made of {v}"),
    f("country of origin|origin|made in|country", text_kind(lambda w: w.draw("country")), """
    {S} is made in {v}
    It [comes|is imported] from {v}
    The country of origin is {v}
    """, "made in {v}"),
    f("discontinued|is discontinued|phased out", bool_kind(), "", "", """
    {S} [has been|is] discontinued
    It is no longer made
    """, """
    {S} is still [made|produced]
    It has not been discontinued
    """),
    f("tags|keywords|labels", choices_list("new|sale|eco|bestseller|limited|gift idea|handmade|premium|budget"), """
    [It is tagged|Tags are] {v}
    Tagged {v}
    """, "tags: {v}"),
    f("url|link|website|product page|web address", url_kind(), """
    [See|More at|Buy it at|Order at] {v}
    The [link|product page] is {v}
    """, "{v}"),
], {"details": "brand|color|weight|material", "pricing": "price|in stock", "specs": "weight|material|warranty", "inventory": "stock|sku"})

TICKET = make_domain("ticket", "ticket|issue|case|bug report|request|problem", "ticket id", """
    [Ticket|Issue|Case|Bug] {ticket id}
    The ticket {ticket id}
    """, "The ticket|It|The issue|The problem", """
    {reporter} [reports|reported|complains|says] [that |]{issue}
    {reporter} [opened|filed|created] ticket {ticket id} [on {created}|]: {issue}
    [Ticket|Issue] {ticket id} ({priority}) [is assigned|was given] to {assignee}
    [Hi|Hello|Hey], {issue} [since|as of] {created}. [Regards|Best|Thanks], {reporter}
    On {created} {reporter} [wrote|called]: {issue}
    {assignee} [is working|works] on {ticket id}, [reported|opened] by {reporter}
    {priority} priority: {issue} in {component}
    [a|an] {priority} ticket from {reporter}: {issue}
    [a|an] {category} [issue|problem] was reported by {reporter} on {created}
    """, [
    f("ticket id|id|ticket number|issue number|case number|number|issue id", CODE, """
    The [ticket|case|issue] number is {v}
    {S} is [filed|tracked|known] as {v}
    The ID is {v}
    """, "{v}|#{v}|ticket {v}"),
    f("reporter|reported by|customer|name|opened by|created by|author", NAME, """
    {S} was [reported|opened|filed|sent in] by {v}
    The [reporter|customer] is {v}
    {v} [reported|told us about|noticed] it
    {S} comes from {v}
    """, "{v}|by {v}|from {v}"),
    f("issue|title|summary|subject|problem|description", text_kind(lambda w: w.choose([
        "the {0} does not start", "the {0} is broken", "login fails", "the app crashes on {1}", "cannot open the {0}", "{0} page is blank",
        "the {0} shows wrong {1} data", "password reset does not work", "the printer prints only {1} pages", "{0} export is too slow",
        "payment with {1} fails", "no sound in the {0}", "the {0} button does nothing", "emails arrive twice", "the screen stays black",
        "internet is down", "the {1} {0} is missing", "{0} sync hangs", "cannot upload {1} files", "error 500 on the {0} page"]
        ).format(w.draw("word"), w.draw("word"))), """
    The [problem|issue|subject] is: {v}
    [It says|Summary|Subject]: {v}
    The [customer|user] [says|writes]: {v}
    What happens: {v}
    """, "{v}|\"{v}\""),
    f("assignee|assigned to|owner|agent|handled by|responsible", NAME, """
    {S} [is|was] assigned to {v}
    {v} [takes care of|handles|is working on] it
    The [assignee|agent|owner] is {v}
    {v} is responsible
    {S} went to {v}
    """, "assigned to {v}|owner {v}"),
    f("priority|severity|urgency|importance|prio", enum_kind(low="minor|not urgent", medium="normal|moderate", high="important|urgent|major",
      critical="top|blocking|emergency"), """
    [The|] [priority|severity|urgency] is {v}
    {S} has {v} priority
    {S} [is|was] [marked|rated|classified] [as |]{v}
    {S} is {v}
    """, "{v} priority|priority {v}|{v}", low="""
    There is no hurry
    {S} can wait
    Whenever you have time
    """, critical="""
    Everything is down
    Nobody can work
    {S} blocks the whole company
    """, high="""
    Please fix it as soon as possible
    {S} needs attention quickly
    """),
    f("status|state|ticket status|progress", enum_kind(open="new|not started", in_progress="being worked on|under way", resolved="solved|fixed",
      closed="done|finished", waiting="on hold|blocked"), """
    {S} is {v}
    The status is {v}
    {S} [stands at|was set to] {v}
    """, "{v}|status {v}"),
    f("created|created at|date|opened on|reported on|creation date|opened", date_kind(2015, 2029), """
    {S} was [created|opened|reported] on {v}
    The date is {v}
    It started on {v}
    {S} [came in|dates from] {v}
    """, "{v}|opened {v}|on {v}"),
    f("category|type|area|kind|topic", enum_kind(bug="error|defect", billing="payment|invoice", hardware="device", network="internet|connection",
      feature_request="wish|idea|new feature", account="login|access"), """
    The category is {v}
    {S} is about {v}
    It is a {v} matter
    """, "{v}"),
    f("component|module|system|product|application|affected system", text_kind(lambda w: w.title(1, 2) if w.source.random() < 0.5 else w.choose([
        "the web shop", "Payroll", "CRM", "the mobile app", "Webmail", "Inventory", "the database", "VPN", "the server"])), """
    {S} [concerns|affects] {v}
    The [component|module|system] is {v}
    It happens in {v}
    {v} is affected
    """, "{v}|in {v}"),
    f("affected users|users affected|number of users|impact|user count", int_kind(1, 2000), """
    {v} users are affected
    {S} affects {v} [users|people]
    """, "{v} users"),
    f("reproducible|is reproducible|can reproduce|repeatable", bool_kind(), "", "", """
    {S} is reproducible
    [We|I] can reproduce it
    It happens every time
    """, """
    {S} is not reproducible
    [We|I] cannot reproduce it
    It happened only once
    """),
    f("resolved|is resolved|fixed|solved|is fixed", bool_kind(), "", "", """
    {S} [is|has been] [resolved|fixed|solved]
    Everything works again
    The fix is live
    """, """
    {S} is not [resolved|fixed|solved] [yet|]
    It [still does not|doesn't] work
    We are still looking for a fix
    """),
    f("tags|labels|keywords", choices_list("login|mobile|backend|ui|slow|crash|security|windows|mac|linux|browser|regression"), """
    [Tags are|It is tagged|Labels are] {v}
    Tagged {v}
    """, "tags: {v}"),
    f("version|software version|app version|release", text_kind(lambda w: f"{w.source.randint(0, 12)}.{w.source.randint(0, 20)}" + (
        f".{w.source.randint(0, 30)}" if w.source.random() < 0.6 else "")), """
    The version is {v}
    [It happens|We see it] in version {v}
    [They run|I use|We are on] version {v}
    """, "v{v}|version {v}"),
    EMAIL, PHONE_FIELD,
], {"people": "reporter|assignee", "contact": "reporter|email|phone", "details": "component|version|category", "meta": "status|priority|created"})

SHIPMENT = make_domain("shipment", "shipment|parcel|package|delivery|consignment", "tracking number", """
    [Parcel|Package|Shipment] {tracking number}
    The [parcel|package] {tracking number}
    """, "The parcel|It|The package|The shipment", """
    {carrier} [delivers|ships|carries|will bring] [the |a |]parcel {tracking number} to {recipient} in {city}
    {recipient} [gets|receives|will receive] a parcel from {sender}, [weight|weighing] {weight} kg
    [Your|The] parcel {tracking number} [will arrive|arrives|is due] on {delivery date}
    [A package|A parcel] [was sent|left] on {ship date} and [arrives|will arrive] on {delivery date}
    {sender} [sent|shipped|mailed] a {weight} kg package to {recipient} [via|with] {carrier}
    {carrier} picked up {tracking number} on {ship date}
    From {sender} to {recipient}, {weight} kg, [via|by] {carrier}
    """, [
    f("tracking number|tracking id|tracking code|parcel number|tracking|shipment number", CODE, """
    The tracking [number|code] is {v}
    [Track|Follow] it with {v}
    """, "{v}|tracking {v}"),
    f("carrier|shipping company|shipped with|courier|service|delivered by", text_kind(lambda w: w.choose([
        "DHL", "UPS", "FedEx", "GLS", "DPD", "Royal Mail", "Hermes", "USPS", "TNT", w.company(), w.company(), w.company()])), """
    The carrier is {v}
    {S} [goes|ships|travels] [with|via|by] {v}
    {v} [delivers|brings|carries] it
    """, "via {v}|{v}"),
    f("recipient|receiver|to|consignee|addressee|recipient name", NAME, """
    The recipient is {v}
    {S} [is|goes] to {v}
    {v} will [get|receive] it
    {S} is addressed to {v}
    """, "to {v}|for {v}"),
    f("sender|from|shipper|sent by|sender name", text_kind(lambda w: w.full_name() if w.source.random() < 0.5 else w.company()), """
    The sender is {v}
    {S} [comes|is] from {v}
    {v} sent it
    """, "from {v}"),
    f("weight|weight kg|weight in kg|parcel weight", num_kind(0.1, 40, 1), """
    {S} weighs {v} [kg|kilos]
    The weight is {v} kg
    """, "{v} kg"),
    f("ship date|shipped on|sent on|dispatch date|date sent|shipped", date_kind(2015, 2029), """
    {S} [left|was sent|was shipped|was handed over] on {v}
    The ship date is {v}
    Dispatched on {v}
    """, "sent {v}|shipped {v}"),
    f("delivery date|arrives on|arrival date|eta|expected delivery|delivered on", date_kind(2015, 2029), """
    {S} [arrives|will arrive|is due|should be there] on {v}
    The [delivery date|ETA] is {v}
    Expect it on {v}
    """, "due {v}|ETA {v}|arrives {v}"),
    f("status|shipment status|delivery status", enum_kind(in_transit="on the way|travelling", delivered="handed over|arrived",
      lost="missing|gone", returned="sent back", at_customs="held by customs"), """
    {S} is {v}
    The status is {v}
    {S} was reported {v}
    """, "{v}|status {v}"),
    f("insured|is insured|insurance|with insurance", bool_kind(), "", "", """
    {S} is insured
    It travels with insurance
    We took out insurance for it
    """, """
    {S} is not insured
    There is no insurance
    It travels without insurance
    """),
    f("fragile|is fragile|handle with care|breakable", bool_kind(), "", "", """
    {S} is fragile
    Handle it with care
    It contains glass
    It breaks easily
    """, """
    {S} is not fragile
    Nothing in it can break
    It needs no special care
    """),
    f("signature required|needs signature|signature|must sign", bool_kind(), "", "", """
    A signature is [required|needed]
    The recipient [must|has to] sign
    """, """
    No signature is [required|needed]
    The recipient need not sign
    Nobody has to sign
    """),
    f("contents|content|items|contains", choices_list("books|shoes|wine|documents|spare parts|toys|a lamp|clothes|cheese|glasses|tools"), """
    {S} contains {v}
    [Inside are|The contents are] {v}
    """, "contents: {v}"),
    CITY_TO, STREET_TO, NOTES,
    f("cost|shipping cost|postage|price|shipping price", money_kind(1, 120), """
    [Shipping|Postage] [costs|is] {v}
    The shipping cost is {v}
    It cost {v} to send
    """, "postage {v}|{v}"),
    f("pickup time|time|pick up time|collected at", time_kind(), """
    The [driver|courier] comes at {v}
    Pick-up is at {v}
    It is collected at {v}
    """, "at {v}"),
], {"route": "sender|recipient", "dates": "ship date|delivery date", "destination": "recipient|address|city", "parcel": "weight|contents|fragile"})

FIRM = make_domain("company", "company|business|startup|firm|organization", "name", """
    {name}
    {name}
    [The company|The firm|Startup] {name}
    """, "It|The company|The firm|The business", """
    {name} [was founded|was established|was started|opened] in {founded} by {founder}
    {name}, [based|headquartered|located] in {city}, [employs|has] {employees} [people|employees]
    {founder} [founded|started|set up] {name} in {founded}
    {name} is [a|an] {industry} company [from|in] {city}
    {name} made {revenue} [last year|in revenue]
    {city}-based {name} [employs|has] {employees} people
    {ceo} [runs|leads|is the CEO of] {name}
    {name} ({website}) [is|works] in {industry}
    Since {founded}, {name} has been in {industry}
    """, [
    f("name|company name|company|business name|organization", COMPANY, "The company is called {v}\nThe name is {v}", "{v}"),
    f("founded|year founded|founding year|established|founded in|since", year_kind(), """
    {S} was [founded|established|started] in {v}
    {S} has existed since {v}
    {S} opened [its doors|for business] in {v}
    Founded in {v}, {S} [grew fast|is still small]
    """, "founded {v}|est. {v}|since {v}"),
    f("founder|founded by|owner|started by|founder name", NAME, """
    {S} was [founded|started|set up] by {v}
    The founder is {v}
    {v} [founded|started|owns] it
    """, "founder {v}|by {v}"),
    f("ceo|chief executive|director|managing director|head|boss", NAME, """
    The [CEO|boss|managing director] is {v}
    {v} [runs|leads|heads] {S}
    {S} is [led|run|headed] by {v}
    """, "CEO {v}"),
    f("employees|number of employees|staff|headcount|employee count|workforce|team size", int_kind(2, 50000), """
    {S} [has|employs] {v} [people|employees|workers]
    {v} people work [there|for it]
    The [workforce|headcount] is {v}
    There are {v} on the payroll
    """, "{v} employees|{v} people"),
    f("revenue|annual revenue|turnover|sales|yearly revenue", money_kind(10000, 900000), """
    [The|] [annual |]revenue is {v}
    {S} made {v} [last year|]
    {S} has a turnover of {v}
    Sales [reached|were] {v}
    """, "revenue {v}"),
    f("industry|sector|branch|field|line of business", choice_kind("software|banking|retail|biotech|agriculture|automotive|fashion|energy|education|tourism|"
      "construction|logistics|gaming|insurance|food|publishing|furniture|health care"), """
    The [industry|sector] is {v}
    {S} [works|is active|operates] in {v}
    {S} does {v}
    """, "{v}"),
    f("city|headquarters|location|based in|head office|seat", CITY, """
    {S} is [based|headquartered|located] in {v}
    The [head office|headquarters] is in {v}
    {S} has its seat in {v}
    """, "{v}|based in {v}"),
    f("website|url|homepage|web", url_kind(), "[See|Visit] {v}\nThe [website|homepage] is {v}\n{S} can be found at {v}", "{v}"),
    f("public|listed|is public|publicly traded|stock listed", bool_kind(), "", "", """
    {S} is [publicly traded|listed on the stock exchange]
    You can buy its shares
    """, """
    {S} is [privately held|not listed|a private company]
    Its shares cannot be bought
    """),
    f("products|services|sells|product lines|offers", choices_list("shoes|apps|bread|engines|loans|games|seeds|tiles|robots|soap|lamps|films|trucks"), """
    {S} [makes|sells|produces|offers] {v}
    [Products|The products] are {v}
    """, "products: {v}"),
    f("profitable|is profitable|makes profit", bool_kind(), "", "", """
    {S} is profitable
    {S} makes a profit
    """, """
    {S} is not profitable [yet|]
    {S} [loses money|makes a loss]
    """),
    EMAIL, PHONE_FIELD,
    f("tax id|vat id|registration number|vat number", CODE, "The [tax|VAT] ID is {v}\nIt is registered under {v}", "VAT ID {v}"),
], {"contact": "email|phone|website", "people": "founder|ceo|employees", "figures": "revenue|employees|founded"})

SUBSCRIPTION = make_domain("subscription", "subscription|membership|plan|account|contract", "username", """
    [User|Account|Member] {username}
    {username}
    """, "The user|The account|The member", """
    {username} [signed up|registered|joined] on {start date} with the {plan} plan
    {username} ({email}) [is|has been] on the {plan} plan since {start date}
    [Upgrade|Switch|Move] {username} to {plan} from {start date}
    {username} pays {price} [a month|per month|monthly] for {plan}
    The {plan} plan of {username} [expires|ends|runs out] on {end date}
    """, [
    f("username|user name|user|login|account|handle|nickname", text_kind(lambda w: w.invented().lower() + w.choose(["", "_", "."]) + w.choose([
        w.draw("word").lower(), str(w.source.randint(1, 2000))])), """
    The [username|login|handle] is {v}
    {S} [logs in|is known] as {v}
    The account belongs to {v}
    """, "{v}|@{v}|user {v}"),
    f("plan|tier|subscription|package|membership|plan name", enum_kind(free="no-cost", basic="entry|starter", premium="top|gold", enterprise="corporate|business",
      student="academic", family="household"), """
    The plan is {v}
    {S} [chose|has|took|is on] the {v} [plan|package]
    It is a {v} membership
    """, "{v}|{v} plan"),
    f("start date|since|joined|member since|signed up|sign up date|created", date_kind(2012, 2029), """
    {S} [joined|signed up|registered|started] on {v}
    It [began|started|runs since] {v}
    {S} has been active since {v}
    """, "since {v}|joined {v}"),
    f("end date|expires|valid until|expiry date|expires on|renewal date", date_kind(2020, 2032), """
    It [expires|ends|runs out|is valid until] {v}
    {S} [renews|must renew] on {v}
    The [end|expiry] date is {v}
    """, "until {v}|expires {v}"),
    f("price|monthly price|fee|monthly fee|cost per month|rate", money_kind(1, 200), """
    It costs {v} [a month|per month]
    {S} pays {v}
    The [monthly |]fee is {v}
    """, "{v}/month|{v} monthly"),
    f("active|is active|enabled|account active", bool_kind(), "", "", """
    {S} is [active|enabled|in use]
    Everything is switched on
    """, """
    {S} is [inactive|disabled|blocked|suspended]
    {S} is not active [any more|]
    {S} was closed
    """),
    f("auto renew|auto renewal|renews automatically|automatic renewal", bool_kind(), "", "", """
    It renews [automatically|by itself]
    Automatic renewal is [on|switched on]
    """, """
    It does not renew [automatically|by itself]
    Automatic renewal is [off|switched off]
    It will simply end
    """),
    f("newsletter|wants newsletter|subscribed to newsletter|marketing emails|newsletter opt in", bool_kind(), "", "", """
    {S} [wants|gets|subscribed to|reads] the newsletter
    Please send the newsletter
    {S} agreed to marketing emails
    """, """
    {S} does not want the newsletter
    No newsletter, please
    {S} [opted out of|unsubscribed from] [the newsletter|marketing emails]
    """),
    f("verified|email verified|is verified|confirmed", bool_kind(), "", "", """
    The email [is|has been] [verified|confirmed]
    {S} is verified
    """, """
    The email [is|has] not [yet been |]verified
    {S} is [unverified|not verified]
    """),
    f("last login|last seen|last active|last visit", moment_kind(), """
    {S} was last seen {v}
    The last login was [on |]{v}
    {S} last logged in [on |]{v}
    """, "last login {v}"),
    f("devices|number of devices|device count|max devices", int_kind(1, 20), """
    {S} uses {v} devices
    {v} devices are [registered|allowed]
    """, "{v} devices"),
    f("role|access level|user role|permission", enum_kind(admin="administrator", editor="can edit", viewer="read-only", owner="the owner"), """
    {S} is {v}
    The role is {v}
    {S} has {v} rights
    """, "role {v}|{v}"),
    f("email|email address|mail", email_kind(), "[Mail|Email] goes to {v}\nThe [email|mail] address is {v}\n{S} registered with {v}", "{v}|<{v}>"),
    f("language|preferred language|locale|interface language", choice_kind("English|German|French|Spanish|Italian|Polish|Czech|Dutch"), """
    The language is {v}
    {S} prefers {v}
    {S} uses the {v} version
    """, "{v}"),
], {"account": "username|email|role", "billing": "plan|price|auto renew", "dates": "start date|end date", "settings": "newsletter|language"})

BUSINESS: list[Domain] = [ORDER, INVOICE, TRANSFER, BOOKING, PRODUCT_DOMAIN, TICKET, SHIPMENT, FIRM, SUBSCRIPTION]
