"""Domains about services: bookings, tickets, shipments, companies and subscriptions."""

# ruff: noqa: E501 - a table of phrases; breaking its lines would break the phrases
# fmt: off

from __future__ import annotations

from ..domain import Domain, make_domain
from ..domain import make_field as f
from ..values import (
    bool_kind,
    choice_kind,
    choices_list,
    clock_text_kind,
    date_kind,
    email_kind,
    enum_kind,
    int_kind,
    moment_kind,
    money_kind,
    num_kind,
    text_kind,
    time_kind,
    url_kind,
    year_kind,
)
from .people import CITY, CODE, COMPANY, EMAIL, NAME, PHONE_FIELD
from .trade import CITY_TO, NOTES, PAID, STREET_TO

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

SERVICES: list[Domain] = [BOOKING, TICKET, SHIPMENT, FIRM, SUBSCRIPTION]
