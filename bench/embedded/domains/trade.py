"""Domains about trade: orders, invoices, products and bank transfers, and the properties that other domains use too."""

# ruff: noqa: E501 - a table of phrases; breaking its lines would break the phrases
# fmt: off

from __future__ import annotations

from ..domain import Domain, make_domain
from ..domain import make_field as f
from ..values import (
    bool_kind,
    choice_kind,
    choices_list,
    date_kind,
    enum_kind,
    int_kind,
    money_kind,
    num_kind,
    street_text,
    text_kind,
    url_kind,
)
from ..words import NOUNS
from .people import CITY, CODE, COMPANY, EMAIL, NAME, PHONE_FIELD

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
    {customer} [ordered|bought|placed an order for|bought a set of] {quantity} {product}[s|] on {order date}
    On {order date} {customer} [ordered|bought|asked for|took] {quantity} {product}[s|]
    [On|As of] {order date}, {customer} ({email}) [ordered|bought] {quantity} {product}[s|]
    {customer} ({email}) [ordered|wants|bought] {quantity} {product}[s|] on {order date}
    {quantity} {product}[s|] [were|have been] ordered on {order date} by {customer}
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
      returned="sent back", open="still open|not settled yet|unpaid", paid="settled|fully paid|paid for", confirmed="accepted|approved"), """
    {S} [is|has been|was] {v}
    {S} [has|have] [already |now |just |]been {v}
    [They|The goods] [were|have been|are] {v}[ yesterday| this morning|]
    {S} is [now|already|still] {v}
    [So far|As of today|Since then] {S} is {v}
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

TRADE: list[Domain] = [ORDER, INVOICE, PRODUCT_DOMAIN, TRANSFER]
