"""Domains about things that happen: events, flights, weather, films, books, recipes, vehicles, homes, matches ..."""

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
    enum_kind,
    int_kind,
    list_kind,
    moment_kind,
    money_kind,
    num_kind,
    text_kind,
    url_kind,
    year_kind,
)
from .people import (
    CITY,
    CODE,
    COMPANY,
    COUNTRY,
    EMAIL,
    NAME,
    PHONE_FIELD,
    STREET,
    ZIP,
)

TITLE = text_kind(lambda w: w.title(1, 4))
NAMES = list_kind(lambda w: w.full_name() if w.source.random() < 0.6 else w.first_name(), 4)

EVENT = make_domain("event", "event|meeting|conference|concert|party|workshop|appointment|lecture", "title", """
    {title}
    The [event|concert|workshop|party|conference] {title}
    [Event|Save the date]: {title}
    """, "It|The event|The meeting", """
    {title} [takes place|will take place|happens|is held|will be held] [on {date} |]in {city}
    {title} [starts|begins] on {date} at {time} in {venue}
    [Join us|Come|You are invited] [for|to] {title} on {date}[ at {time}|]
    [Please join us|We meet] on {date} at {time} [in|at] {venue}
    {organizer} [organizes|hosts|invites you to|presents] {title} on {date}
    On {date} we [celebrate|hold|present] {title} [at {venue}|in {city}]
    [Meeting|Reminder|Invitation]: {title}, {date}, {time}, {venue}
    {title} with {attendees} at {time} on {date}
    [Tickets|Admission] for {title} [cost|are] {price}
    [Don't miss|Do not miss] {title} in {city} on {date}!
    [a|an] {duration} minute [meeting|event] about {title} is [planned|scheduled] for {date}
    Put {title} in the calendar for {date}
    The {venue} hosts {title} on {date}
    Let's meet on {date} at {time} to [discuss|talk about] {title}
    """, [
    f("title|event|event name|name|subject|topic", TITLE, """
    The [event|meeting] is called {v}
    The [title|topic|subject] is {v}
    It is about {v}
    """, "{v}|\"{v}\""),
    f("date|event date|day|on|when|start date", date_kind(2015, 2030), """
    {S} [takes place|is|happens|is planned] on {v}
    The date is {v}
    [We meet|Come] on {v}
    [Save|Mark] {v}
    Mark your calendar: {v}
    """, "{v}|on {v}"),
    f("time|start time|begins at|hour|starts at|at", clock_text_kind(), """
    {S} [starts|begins] at {v}
    [Doors open|We start|Be there] at {v}
    The time is {v}
    It kicks off at {v}
    """, "{v}|at {v}"),
    f("end time|ends at|until|finish time|end", clock_text_kind(), """
    {S} [ends|finishes|is over] at {v}
    It [lasts|goes on] until {v}
    """, "until {v}|ends {v}"),
    f("venue|place|location|where|room|hall", text_kind(lambda w: w.choose(["Room ", "Hall ", "the ", "The ", "", "", "Café "]) + (
        w.title(1, 2) if w.source.random() < 0.7 else str(w.source.randint(1, 400))) + w.choose(["", "", " Hall", " Theatre", " Arena", " Center", " Club"])), """
    {S} [takes place|is|will be held] [in|at] {v}
    The [venue|place|location] is {v}
    [Come to|We meet at|Where?] {v}
    """, "at {v}|{v}|in {v}"),
    f("city|location|town|where", CITY, """
    {S} [is|takes place|will be] in {v}
    The city is {v}
    [See you|We meet] in {v}
    """, "{v}|in {v}"),
    f("organizer|organiser|host|organized by|hosted by|contact person", text_kind(lambda w: w.full_name() if w.source.random() < 0.7 else w.company()), """
    {S} is [organized|organised|hosted|run] by {v}
    The [host|organizer|organiser] is {v}
    {v} [hosts|organizes|runs] it
    """, "by {v}|host {v}"),
    f("attendees|participants|guests|people|invitees|speakers", NAMES, """
    {v} will [attend|come|be there|take part]
    The [attendees|participants|guests] are {v}
    [Invited|Present|With us] [are|is] {v}
    With {v}
    """, "with {v}"),
    f("attendee count|number of attendees|expected guests|capacity|seats|number of people", int_kind(2, 5000), """
    [We expect|There will be|There is room for] {v} [people|guests|participants]
    {v} [guests|people|participants] are [expected|invited|registered]
    There are {v} seats
    """, "{v} guests|{v} people|{v} seats"),
    f("price|ticket price|entry fee|admission|cost|fee", money_kind(3, 400), """
    [Tickets cost|A ticket costs|Admission is|Entry is] {v}
    The [price|fee] is {v}
    You pay {v} at the door
    """, "{v}|tickets {v}|entry {v}"),
    f("free|is free|free entry|free of charge|no charge", bool_kind(), "", "", """
    [Admission|Entry] is free
    {S} is free [of charge|for everybody|]
    It costs nothing
    You do not have to pay
    """, """
    {S} is not free
    There is an entry fee
    You have to buy a ticket
    Entry must be paid
    """),
    f("online|is online|virtual|remote|is virtual", bool_kind(), "", "", """
    {S} is online
    {S} [takes place|happens] [online|via video|on Zoom]
    It is a virtual event
    You can join from home
    """, """
    {S} [takes place|is] in person
    {S} is not online
    There is no video link
    You have to come in person
    """),
    f("cancelled|is cancelled|canceled|called off", bool_kind(), "", "", """
    {S} [is|was|has been] [cancelled|called off]
    Unfortunately it will not take place
    """, """
    {S} [takes place|goes ahead] as planned
    It has not been cancelled
    """),
    f("duration|duration minutes|length|minutes|duration in minutes", int_kind(10, 240), """
    {S} [lasts|takes] {v} minutes
    The [length|duration] is {v} minutes
    Plan {v} minutes for it
    """, "{v} min|{v} minutes"),
    f("type|event type|kind|category|format", enum_kind(concert="gig|live music", workshop="hands-on training", conference="congress|convention",
      party="celebration", lecture="talk|presentation", exhibition="show"), """
    It is a {v}
    The type is {v}
    """, "{v}"),
    f("starts at|start|begin|date and time|scheduled for|datetime", moment_kind(), """
    {S} [starts|begins] [on |]{v}
    {S} is [planned|scheduled] for {v}
    We meet {v}
    The start is {v}
    """, "{v}"),
    f("agenda|topics|program|items|discussion points", choices_list("budget|hiring|roadmap|sales|marketing plan|security|holidays|new office|quality|feedback|training"), """
    [On the agenda|The agenda|The topics]: {v}
    We will [discuss|talk about] {v}
    """, "agenda: {v}"),
    f("link|url|website|registration link|meeting link", url_kind(), "[Register|Sign up|Join] at {v}\nThe link is {v}\nMore at {v}", "{v}"),
    EMAIL,
], {"when": "date|time|duration", "where": "venue|city", "contact": "organizer|email", "location": "venue|city", "schedule": "date|time|end time"})

FLIGHT = make_domain("flight", "flight|trip|journey|train|connection", "number", """
    [Flight|Train] {number}
    Flight {number}
    """, "It|The flight|The trip", """
    {number} [flies|goes|departs] from {origin} to {destination} on {date}
    {passenger} [flies|travels|is flying] from {origin} to {destination} [on {date}|]
    [Flight|Train] {number} [leaves|departs from] {origin} at {departure} and [arrives|lands] in {destination} at {arrival}
    [Book|Reserve|I need|Find me] a [flight|train|ticket] from {origin} to {destination} on {date}
    [From|Trip from] {origin} to {destination}, {date}, seat {seat}
    {airline} [flight|] {number} to {destination} [departs|leaves] at {departure}
    {passenger} [has|booked] seat {seat} on {number}
    [Going|We go|I travel] to {destination} from {origin} for {price}
    {origin} - {destination}, {date}, {price}
    I want to fly to {destination} on {date}, leaving from {origin}
    """, [
    f("number|flight number|flight|flight no|train number|code", text_kind(lambda w: w.choose(["LH", "BA", "AF", "KL", "UA", "EK", "IC", "TP", "AZ", "SK"]) + w.choose(
        ["", " "]) + str(w.source.randint(10, 9999))), "The [flight|train] number is {v}\nIt is {v}", "{v}"),
    f("origin|from|departure city|from city|departure airport|start", CITY, """
    {S} [leaves|departs|starts] from {v}
    The [origin|starting point] is {v}
    It all begins in {v}
    """, "from {v}"),
    f("destination|to|arrival city|to city|arrival airport|going to", CITY, """
    {S} [goes|is going|flies] to {v}
    The destination is {v}
    {S} [lands|arrives|ends] in {v}
    """, "to {v}"),
    f("date|travel date|departure date|flight date|day", date_kind(2015, 2030), """
    {S} is on {v}
    The [date|travel date] is {v}
    We [travel|fly|leave] on {v}
    """, "{v}|on {v}"),
    f("departure|departure time|departs at|leaves at|start time", clock_text_kind(), """
    {S} [departs|leaves|takes off] at {v}
    Departure is at {v}
    """, "dep. {v}|departs {v}"),
    f("arrival|arrival time|arrives at|lands at|end time", clock_text_kind(), """
    {S} [arrives|lands|gets in] at {v}
    Arrival is at {v}
    """, "arr. {v}|arrives {v}"),
    f("airline|carrier|operator|operated by", text_kind(lambda w: w.choose([w.invented() + " Air", w.title(1, 1) + " Airways", w.invented() + "jet", "Lufthansa", "KLM",
      "Ryanair", "Air France", "United"])), "The airline is {v}\n{S} is operated by {v}\n{v} operates it", "{v}|with {v}"),
    f("passenger|passenger name|traveler|traveller|name", NAME, "The [passenger|traveller] is {v}\n{v} [travels|flies|has a ticket]\nThe ticket is for {v}", "{v}"),
    f("seat|seat number|place", text_kind(lambda w: f"{w.source.randint(1, 45)}{w.choose(list('ABCDEFHK'))}"), "The seat is {v}\n[Seat|Place] {v} [is reserved|was booked]", "seat {v}"),
    f("class|cabin|travel class|cabin class", enum_kind(economy="coach|tourist", business="business class", first="first class",
      premium_economy="economy plus"), "The class is {v}\n{S} is in {v}\nPlease book {v}", "{v}"),
    f("price|fare|ticket price|cost", money_kind(20, 3000), "The [ticket|fare] [costs|is] {v}\nIt costs {v}\nI paid {v}", "{v}"),
    f("stops|number of stops|layovers|stopovers", int_kind(0, 3), "There are {v} stops\n{S} has {v} stops", "{v} stops"),
    f("direct|is direct|nonstop|non stop", bool_kind(), "", "", "{S} is [direct|non-stop]\nThere [are no stops|is no stopover]\nNo changes on the way",
      "{S} is not direct\nThere is a stopover\nYou have to change [planes|trains] once"),
    f("delayed|is delayed|late|delay", bool_kind(), "", "", "{S} is [delayed|late|running late]\nThere is a delay\nIt will leave later than planned",
      "{S} is on time\nThere is no delay\nEverything runs [on schedule|to schedule]\nIt is not delayed"),
    f("passengers|number of passengers|travelers|people|tickets|adults", int_kind(1, 9), "We are {v} [people|passengers]\nThere are {v} [travellers|passengers]\nPlease book {v} [tickets|seats]",
      "{v} passengers|{v} people"),
    f("gate|boarding gate|departure gate|platform", text_kind(lambda w: w.choose(["A", "B", "C", "D", ""]) + str(w.source.randint(1, 70))),
      "[Boarding is at|The gate is|Go to] [gate |]{v}\nIt leaves from gate {v}", "gate {v}"),
    f("baggage|bags|luggage|checked bags|pieces of luggage", int_kind(0, 4), "{v} bags [are included|will be checked]\nThere are {v} pieces of luggage", "{v} bags"),
], {"departure": "origin|departure|gate", "route": "origin|destination|stops", "passenger": "passenger|seat|class", "ticket": "price|class|seat"})

WEATHER = make_domain("weather", "weather report|forecast|report|reading", "city", """
    {city}
    [The weather in|Weather for] {city}
    """, "It|The place|The town", """
    [In|Today in] {city} [it is|it's] {temperature} [degrees|°C] [and {condition}|]
    [The forecast for|Weather in|Weather for] {city}: {condition}, {temperature} [°C|degrees]
    {city} [will be|is] {condition} on {date} with [highs|temperatures] of {temperature} degrees
    On {date} {city} [reported|recorded|measured] {temperature} degrees and {rain} mm of rain
    {city}: {temperature}°, humidity {humidity}%, wind {wind} km/h
    Expect {condition} weather in {city} on {date}
    """, [
    f("city|location|place|station|town", CITY, "The [place|station|location] is {v}\nThis is for {v}\nWe are in {v}", "{v}|in {v}"),
    f("temperature|temp|temperature c|degrees|high|temperature celsius", int_kind(-20, 45), """
    The temperature [is|reaches|will be] {v} [degrees|°C|degrees Celsius]
    The thermometer shows {v}
    It is {v} degrees
    Highs of {v} degrees are expected
    """, "{v}°C|{v} degrees|{v}°"),
    f("condition|weather|sky|conditions|outlook", enum_kind(sunny="clear|bright|cloudless", cloudy="overcast|grey", rainy="wet|showery|raining", snowy="snowing|white",
      windy="stormy|gusty", foggy="misty|hazy"), """
    It [is|will be] {v}
    The [sky|weather] is {v}
    [Expect|Prepare for] {v} weather
    """, "{v}", rainy="Take an umbrella\nIt pours", snowy="Snow is falling\nThe roads are covered in snow", sunny="There is not a cloud in the sky\nThe sun shines"),
    f("humidity|relative humidity|humidity percent", int_kind(10, 100), "[The|] humidity is {v}[%| percent]\nThe air has {v}% humidity", "{v}% humidity|humidity {v}%"),
    f("wind|wind speed|wind kmh|wind speed kmh", num_kind(0, 120, 1), "The wind [blows at|is|reaches] {v} km/h\nWinds of {v} km/h", "wind {v} km/h"),
    f("wind direction|direction|wind from", enum_kind(north="N|northerly", south="S|southerly", east="E|easterly", west="W|westerly"), "The wind comes from the {v}\nThe wind is {v}", "{v} wind"),
    f("rain|rainfall|precipitation|rain mm|precipitation mm", num_kind(0, 80, 1), "[There was|We had|Expect] {v} mm of rain\nRainfall is {v} mm", "{v} mm rain|rain {v} mm"),
    f("date|day|forecast date|observed on", date_kind(2000, 2029), "The date is {v}\nThis is for {v}\nMeasured on {v}", "{v}|on {v}"),
    f("warning|storm warning|alert|weather alert|is warning", bool_kind(), "", "", "There is a [storm |weather |]warning\nA warning was issued\nPlease stay at home",
      "There is no warning\nNo warnings [are in force|were issued]"),
    f("sunrise|sunrise time|sun rises at", clock_text_kind(), "The sun rises at {v}\nSunrise is at {v}", "sunrise {v}"),
    f("sunset|sunset time|sun sets at", clock_text_kind(), "The sun sets at {v}\nSunset is at {v}", "sunset {v}"),
    f("pressure|air pressure|pressure hpa|barometer", int_kind(960, 1050), "The [air |]pressure is {v} hPa\nThe barometer stands at {v}", "{v} hPa"),
    f("observer|reported by|station keeper|measured by", NAME, "{v} measured it\nReported by {v}\nThe observer is {v}", "by {v}"),
], {"wind": "wind|wind direction", "sun": "sunrise|sunset", "measurements": "temperature|humidity|pressure|rain"})

MOVIE = make_domain("movie", "movie|film|series|show|book|album", "title", """
    {title}
    The [film|movie] {title}
    "{title}"
    """, "It|The film|The movie", """
    {title} is a {year} [film|movie] [directed|made] by {director}
    {director} [directed|made|shot] {title} in {year}
    {title} ({year}), [directed by|dir.] {director}, [stars|with] {cast}
    [I watched|We saw|Last night I saw] {title} [by|from] {director} and [give|gave] it {rating} [stars|out of 10]
    "{title}" [is|was] a {genre} [film|movie] from {year}
    The {year} {genre} [film|movie] {title} [runs|lasts] {runtime} minutes
    {cast} [star|play] in {title}
    {title} came out on {release date}
    {director}'s {title} ({runtime} min) won {awards} awards
    [Have you seen|Do you know] {title}, the {genre} film by {director}?
    """, [
    f("title|movie|film|name|movie title|film title", TITLE, "The [film|movie] is called {v}\nThe title is {v}\nIt is named {v}", "{v}|\"{v}\""),
    f("director|directed by|filmmaker|made by|director name", NAME, "{S} was [directed|made] by {v}\nThe director is {v}\n{v} [directed|made] it\n{v} sat in the director's chair", "by {v}|dir. {v}"),
    f("year|release year|released|year of release|made in", year_kind(), "{S} [came out|was released|appeared|was made] in {v}\nThe year is {v}\nIt is from {v}", "({v})|{v}"),
    f("genre|category|type|kind of film", enum_kind(comedy="funny|comedic", drama="dramatic", thriller="suspense", horror="scary", documentary="factual", romance="romantic|love story",
      science_fiction="sci-fi|SF", animation="animated|cartoon", western="cowboy"), "{S} is a {v}\nThe genre is {v}\nIt counts as {v}", "{v}"),
    f("rating|score|stars|imdb rating|critics score|my rating", num_kind(1, 10, 1), "{S} [has a rating of|is rated|scores|got] {v}\nCritics give it {v}\nThe rating is {v}\nI give it {v}", "{v}/10|rated {v}|{v} stars"),
    f("runtime|length|duration|minutes|runtime minutes|running time", int_kind(60, 220), "{S} [runs|lasts|is] {v} minutes [long|]\nThe running time is {v} minutes", "{v} min|{v} minutes"),
    f("cast|actors|starring|stars|main actors", NAMES, "{v} [star|act|play] in it\nThe [actors|cast] [are|is] {v}\nStarring {v}\n{S} stars {v}\nYou can see {v} in it", "with {v}|starring {v}"),
    f("language|original language|spoken language", choice_kind("English|French|German|Japanese|Korean|Spanish|Danish|Italian|Hindi|Polish"), "{S} is in {v}\nThe language is {v}\nThey speak {v} in it", "{v}|in {v}"),
    f("country|made in|country of production|origin", COUNTRY, "{S} [comes|is] from {v}\nIt was [shot|made|produced] in {v}\nThe country is {v}", "{v}"),
    f("budget|cost|production cost|production budget", money_kind(100000, 990000), "The budget was {v}\nIt cost {v} to make", "budget {v}"),
    f("seen|watched|already seen|have seen", bool_kind(), "", "", "I have [already |]seen it\n[We|I] watched it [twice|last week]", "I have not seen it [yet|]\n[We|I] never watched it\nIt is still on my list"),
    f("recommended|recommend|would recommend|worth watching", bool_kind(), "", "", "I [would |can |]recommend it\nIt is worth watching\nGo and see it\nEveryone should watch it",
      "I [would|can] not recommend it\nIt is not worth watching\nDon't waste your time on it\nStay away from it"),
    f("awards|oscars|number of awards|prizes", int_kind(0, 14), "{S} won {v} [awards|Oscars|prizes]\nIt received {v} awards", "{v} awards"),
    f("release date|released on|premiere|opening date|premiere date", date_kind(1960, 2029), "{S} [came out|premiered|was released|opened] on {v}\nThe premiere was on {v}\nThe release date is {v}", "released {v}"),
    f("studio|production company|produced by|distributor", COMPANY, "{S} was produced by {v}\nThe studio is {v}\n{v} produced it", "{v}"),
], {"production": "director|studio|year|country", "ratings": "rating|awards", "details": "genre|runtime|language"})

BOOK = make_domain("book", "book|novel|article|paper|publication|text", "title", """
    {title}
    The [book|novel] {title}
    "{title}"
    """, "It|The book|The novel", """
    {title} [was written|is|is a book] by {author}
    {author} [wrote|published] {title} in {year}
    {author}: {title}, {publisher}, {year}
    {title} by {author} has {pages} pages
    [I am reading|I just finished|My favourite book is] {title} by {author}
    {publisher} published {title} [by {author} |]in {year}
    The book {title} costs {price} and has {pages} pages
    {title}, a {genre} by {author}, [appeared|came out] in {year}
    """, [
    f("title|book|book title|name|heading", TITLE, "The title is {v}\nThe book is called {v}\nIt carries the title {v}", "{v}|\"{v}\""),
    f("author|written by|writer|by|author name", NAME, "{S} was written by {v}\nThe author is {v}\n{v} wrote it\nIt is the work of {v}\nIt came from the pen of {v}", "by {v}|{v}"),
    f("authors|writers|written by|contributors", NAMES, "The authors are {v}\n{v} wrote it together\nIt was written by {v}", "by {v}"),
    f("year|publication year|published|year of publication|published in", year_kind(), "{S} [appeared|was published|came out] in {v}\nThe year is {v}", "{v}|({v})"),
    f("pages|number of pages|page count|length", int_kind(40, 1200), "{S} has {v} pages\nIt is {v} pages long\nThere are {v} pages to read", "{v} pages|{v} pp."),
    f("publisher|publishing house|published by|press", text_kind(lambda w: w.company() + w.choose([" Press", " Books", " Verlag", ""])), "The publisher is {v}\n{v} published it\n{S} was published by {v}", "{v}"),
    f("isbn|isbn number|book number", text_kind(lambda w: "978-" + "-".join(str(w.source.randint(1, 9999)) for _ in range(3)) + f"-{w.source.randint(0, 9)}"),
      "The ISBN is {v}\nIt has the ISBN {v}", "ISBN {v}"),
    f("genre|category|kind|type", enum_kind(novel="fiction", biography="life story", poetry="poems", mystery="crime|detective story", fantasy="magic story",
      cookbook="recipe book", textbook="schoolbook"), "{S} is a {v}\nThe genre is {v}", "{v}"),
    f("price|cost|retail price", money_kind(3, 90), "{S} costs {v}\nThe price is {v}\nI paid {v} for it", "{v}"),
    f("language|written in|original language", choice_kind("English|French|German|Japanese|Russian|Spanish|Danish|Italian|Polish|Czech"), "{S} is [written |]in {v}\nThe language is {v}", "in {v}"),
    f("read|finished|have read|already read", bool_kind(), "", "", "I have [read|finished] it\nI read it [last month|in one night]", "I have not [read|finished] it [yet|]\nIt still waits on the shelf"),
    f("bestseller|is bestseller|best seller", bool_kind(), "", "", "{S} is a bestseller\nIt sold millions of copies", "{S} is not a bestseller\nIt sold badly"),
    f("rating|stars|score", int_kind(1, 5), "I give it {v} stars\nIt has {v} stars\n{S} is rated {v} out of 5", "{v} stars|{v}/5"),
    f("translator|translated by|translation", NAME, "{v} translated it\nThe translation is by {v}", "transl. {v}"),
    f("topics|keywords|subjects|themes|tags", choices_list("love|war|history|nature|family|crime|travel|money|science|childhood|memory|the sea"), "{S} is about {v}\nThe [themes|topics] are {v}\nIt deals with {v}", "topics: {v}"),
], {"publication": "publisher|year|isbn", "details": "pages|genre|language", "edition": "publisher|price|pages"})

RECIPE = make_domain("recipe", "recipe|dish|meal", "name", """
    {name}
    [The recipe for|The dish] {name}
    """, "It|The dish|The recipe", """
    {name} [serves|is for|feeds] {servings} [people|persons|] and takes {time} minutes
    [To make|For] {name} you need {ingredients}
    [Today|Tonight] we [cook|make] {name} with {ingredients}
    {name}: {time} minutes, serves {servings}
    Mix {ingredients} and bake for {time} minutes. You get {name}
    [My|Grandma's|Our] {name} takes {time} minutes and needs {ingredients}
    {author} [shares|shared|cooks] a recipe for {name}
    {name} is a {cuisine} dish [that serves|for] {servings}
    This {cuisine} {name} has {calories} calories
    """, [
    f("name|recipe|dish|title|recipe name|dish name", text_kind(lambda w: w.choose(["", "Grandma's ", "Spicy ", "Easy ", "Classic ", "Creamy "]) + w.choose(
        ["Potato", "Carrot", "Chicken", "Tomato", "Apple", "Lentil", "Beef", "Mushroom", "Lemon", "Salmon", "Pumpkin", "Rice", w.invented()]) + " " + w.choose(
        ["Soup", "Pie", "Curry", "Salad", "Stew", "Cake", "Pasta", "Risotto", "Bread", "Casserole", "Tart"])), "The [dish|recipe] is called {v}\nThis is {v}\nWe make {v}", "{v}"),
    f("servings|serves|portions|people|number of servings", int_kind(1, 12), "{S} serves {v} [people|]\nIt is [enough |]for {v} [people|persons]\n[It makes|You get] {v} [servings|portions]", "serves {v}|{v} servings|for {v}"),
    f("time|cooking time|prep time|minutes|total time|time in minutes", int_kind(5, 240), "{S} takes {v} minutes\n[Cook|Bake|Simmer] [it |]for {v} minutes\nIt is ready in {v} minutes", "{v} min|{v} minutes"),
    f("ingredients|you need|ingredient list|shopping list", choices_list("flour|sugar|eggs|butter|milk|salt|olive oil|onions|garlic|tomatoes|rice|carrots|basil|cream|potatoes|cheese|"
      "lemon juice|black pepper|chicken|coconut milk|yeast|honey", 6), "You need {v}\n[Take|Use|Buy|Mix] {v}\n[The |]ingredients are {v}\nIt is made of {v}", "with {v}|ingredients: {v}"),
    f("difficulty|level|skill level|how hard", enum_kind(easy="simple|for beginners|effortless", medium="moderate|average", hard="difficult|tricky|challenging"), "{S} is {v} [to make|]\nThe difficulty is {v}", "{v}"),
    f("cuisine|style|origin|kitchen", choice_kind("Italian|French|Thai|Indian|Mexican|Greek|Polish|Spanish|Japanese|Turkish|Lebanese"), "{S} is {v}\nThe cuisine is {v}\nIt comes from {v} cooking", "{v}"),
    f("vegetarian|is vegetarian|meat free|no meat", bool_kind(), "", "", "{S} is [vegetarian|meat-free]\nIt contains no meat\nThere is no meat in it", "{S} is not vegetarian\nIt contains meat\nThere is meat in it"),
    f("vegan|is vegan|plant based", bool_kind(), "", "", "{S} is vegan\nIt contains no animal products", "{S} is not vegan\nIt contains [eggs|milk|animal products]"),
    f("calories|kcal|energy|calories per serving", int_kind(80, 1500), "{S} has {v} [calories|kcal]\nA portion has {v} calories", "{v} kcal|{v} calories"),
    f("oven temperature|temperature|oven|degrees|bake at", int_kind(120, 250), "[Bake|Roast] [it |]at {v} [degrees|°C]\n[Heat|Preheat] the oven to {v} degrees", "{v} °C|at {v} degrees"),
    f("author|chef|cook|by|submitted by", NAME, "The recipe is by {v}\n{v} [invented|cooks|sent in] it", "by {v}"),
    f("contains nuts|nuts|has nuts", bool_kind(), "", "", "{S} contains nuts\nThere are nuts in it", "{S} contains no nuts\nIt is free of nuts"),
    f("tags|labels|course|suitable for", choices_list("quick|dinner|lunch|dessert|party|healthy|winter|kids|spicy|breakfast"), "Tagged {v}\nIt is good for {v}", "tags: {v}"),
], {"timing": "time|oven temperature", "nutrition": "calories|vegan|vegetarian", "info": "servings|time|difficulty"})

VEHICLE = make_domain("vehicle", "vehicle|car|truck|van|motorbike", "model", """
    The {model}
    [This|My|The] {model}
    [For sale|Vehicle]: {model}
    """, "It|The car|The vehicle", """
    {owner} [owns|drives|bought|sells] a {year} {make} {model}
    [For sale|Selling]: {make} {model}, {year}, {mileage} km, {price}
    A {color} {make} {model} [from|built in] {year} [costs|is on sale for|goes for] {price}
    The {year} {make} {model} has {mileage} [km|kilometres|miles] on the clock
    {make} {model}, licence plate {plate}, belongs to {owner}
    I sell my {color} {model} from {year}[, {mileage} km|]
    The {color} car with plate {plate} [is|was] a {make} {model}
    {owner} sold the {make} for {price}
    """, [
    f("make|brand|manufacturer|car make|maker", text_kind(lambda w: w.choose(["Toyota", "Volvo", "Ford", "Fiat", "Škoda", "Renault", "Opel", "Honda", "BMW", "Tesla", "Kia", "Mazda", w.invented(), w.invented()])),
      "The [make|brand] is {v}\nIt is a {v}\n{S} was built by {v}", "{v}"),
    f("model|car model|car|vehicle|model name|type", text_kind(lambda w: w.choose(["Corolla", "Golf", "Focus", "Model 3", "Octavia", "Clio", "Panda", "Civic", "A4", w.invented(), w.invented() + " " + str(w.source.randint(1, 9)),
      w.draw("word").title()])), "The model is [a |]{v}\nIt is [called|a] {v}", "{v}"),
    f("year|model year|year built|built in|year of manufacture|first registration year", year_kind(), "{S} was built in {v}\nIt is from {v}\nThe year is {v}\n{S} left the factory in {v}", "{v}|built {v}"),
    f("mileage|km|kilometers|odometer|mileage km|distance driven", int_kind(0, 300000), "{S} has [run|done] {v} [km|kilometres|miles]\nThe [odometer|mileage] [shows|is] {v}\nIt has {v} km on the clock", "{v} km"),
    f("price|asking price|cost|sale price", money_kind(500, 90000), "{S} costs {v}\nThe [asking |]price is {v}\nI want {v} for it\nIt goes for {v}", "{v}"),
    f("color|colour|paint|body color", choice_kind("red|blue|black|white|silver|green|yellow|grey|dark blue|orange|beige|metallic grey"), "{S} is {v}\nThe colour is {v}\nIt is painted {v}", "{v}"),
    f("fuel|fuel type|engine type|engine|runs on", enum_kind(petrol="gasoline|gas", diesel="diesel fuel", electric="battery|electricity", hybrid="petrol and battery"), "{S} runs on {v}\nThe fuel is {v}\nIt has a {v} engine", "{v}"),
    f("owner|owned by|driver|registered to|holder|seller", NAME, "{S} belongs to {v}\nThe owner is {v}\n{v} [owns|drives] it\nIt is registered to {v}", "owner {v}"),
    f("plate|license plate|licence plate|registration|plate number", CODE, "The [licence|license|number] plate is {v}\nIts registration is {v}\nIt bears the plate {v}", "plate {v}"),
    f("transmission|gearbox|gear|gears", enum_kind(manual="stick shift", automatic="auto"), "The [gearbox|transmission] is {v}\n{S} is {v}", "{v}"),
    f("doors|number of doors|door count", int_kind(2, 5), "{S} has {v} doors", "{v} doors"),
    f("accident free|no accidents|without accidents|undamaged", bool_kind(), "", "", "{S} is accident-free\nIt never had an accident", "{S} had an accident\nIt was in a crash [once|]\nIt is not accident-free"),
    f("damaged|is damaged|has damage|defects", bool_kind(), "", "", "{S} is damaged\nThere is a dent in the door\nThe windscreen is broken", "{S} is not damaged\nThere is no damage\nIt is in perfect shape"),
    f("horsepower|hp|power|engine power|ps", int_kind(40, 600), "{S} has {v} [hp|horsepower]\nThe engine makes {v} hp", "{v} hp|{v} PS"),
    f("inspection date|next inspection|inspected until|mot|last service", date_kind(2015, 2030), "The [next|last] inspection [is|was] on {v}\nIt was serviced on {v}", "inspected {v}"),
    f("extras|equipment|features|options", choices_list("air conditioning|sunroof|heated seats|navigation|tow bar|parking sensors|leather seats|cruise control|roof rack"), "{S} has {v}\n[Extras|Equipment] [include|are] {v}", "with {v}"),
], {"car": "make|model|year", "engine": "fuel|horsepower|transmission", "sale": "price|owner", "vehicle": "make|model|color|plate"})

HOME = make_domain("home", "home|house|flat|apartment|property|listing|real estate", "street", """
    The [house|flat|apartment] at {street}
    [House|Flat|Property] at {street}
    """, "It|The house|The flat|The property", """
    [For rent|To let|Rent]: {rooms} rooms, {area} m², {city}, {rent} [a month|per month|]
    [For sale|On the market]: [house|flat] in {city}, {area} m² for {price}
    [The flat|The house|The apartment] at {street}, {zip} {city}[, {country}|] has {rooms} rooms
    [We live|They live|The house is] at {street}, {zip} {city}
    {landlord} [lets|rents out] a {rooms}-room flat in {city} for {rent}
    {landlord} sells the house in {city} for {price}
    {area} square metres in {city}, {rooms} rooms, rent {rent}
    [Please send it to|My address is|Deliver to|Our new address:] {street}, {zip} {city}, {country}
    {street}, {city}, {rooms} rooms, {rent}
    """, [
    STREET, ZIP,
    f("city|town|location|municipality", CITY, "{S} is in {v}\nThe city is {v}\nIt is [located|situated] in {v}\nYou would live in {v}", "{v}|in {v}"),
    f("country|nation", COUNTRY, "The country is {v}\nThat is in {v}\n{S} is in {v}", "{v}"),
    f("rooms|number of rooms|bedrooms|room count", int_kind(1, 9), "{S} has {v} rooms\nThere are {v} rooms\nIt offers {v} rooms", "{v} rooms"),
    f("area|size|square meters|living area|floor area|sqm", int_kind(18, 400), "{S} [has|measures] {v} [m²|square metres|sqm]\nThe [living area|size] is {v} m²\nIt is {v} square metres big", "{v} m²|{v} sqm"),
    f("rent|monthly rent|rent per month|price per month", money_kind(200, 4000), "The rent is {v}\n{S} [costs|rents for] {v} [a month|per month]\nYou pay {v} a month", "{v}/month|rent {v}"),
    f("price|asking price|purchase price|sale price", money_kind(40000, 990000), "The [asking |]price is {v}\n{S} is on sale for {v}\nIt costs {v}", "{v}"),
    f("floor|storey|floor number|level", int_kind(0, 20), "{S} is on floor {v}\nIt is on level {v}", "floor {v}"),
    f("year built|built|built in|construction year", year_kind(), "{S} was built in {v}\nIt dates from {v}", "built {v}"),
    f("balcony|has balcony|with balcony", bool_kind(), "", "", "{S} has a balcony\nThere is a [big |sunny |]balcony\nYou can sit on the balcony", "{S} has no balcony\nThere is no balcony\nUnfortunately without a balcony"),
    f("furnished|is furnished|with furniture", bool_kind(), "", "", "{S} is furnished\nIt comes with furniture\nThe furniture stays", "{S} is [unfurnished|not furnished]\nIt comes [empty|without furniture]\nBring your own furniture"),
    f("pets allowed|pets|allows pets|dogs allowed", bool_kind(), "", "", "Pets are [allowed|welcome]\nYou may bring a dog", "Pets are not allowed\nNo pets\nDogs are forbidden"),
    f("garden|has garden|with garden|yard", bool_kind(), "", "", "{S} has a garden\nThere is a garden behind it", "{S} has no garden\nThere is no garden"),
    f("available from|available|move in date|free from|move in", date_kind(2018, 2030), "{S} is [free|available] from {v}\nYou can move in on {v}\nThe move-in date is {v}", "free from {v}|from {v}"),
    f("type|property type|kind|category", enum_kind(apartment="flat", house="detached house|cottage", studio="one-room flat", villa="mansion", loft="attic"), "{S} is a {v}\nThe type is {v}", "{v}"),
    f("landlord|owner|contact|agent|seller", NAME, "The [landlord|owner|agent] is {v}\n{S} belongs to {v}\nAsk for {v}", "owner {v}|contact {v}"),
    PHONE_FIELD, EMAIL,
    f("amenities|features|equipment|facilities", choices_list("parking|elevator|garage|cellar|fitted kitchen|pool|fireplace|fibre internet|sauna|dishwasher"), "{S} has {v}\n[Amenities|There are]: {v}", "with {v}"),
], {"address": "street|zip|city|country", "location": "city|country|street", "contact": "landlord|phone|email", "costs": "rent|price"})

REVIEW = make_domain("review", "review|rating|feedback|opinion|comment", "subject", """
    The {subject}
    {subject}
    """, "It|The place|The product", """
    {reviewer} [gives|gave|awarded] [the |]{subject} {rating} [stars|out of 5|of five stars]
    {reviewer} [reviewed|rated|tested] the {subject} on {date}
    [I bought|We tried|I ordered] the {subject} and [give|gave] it {rating} stars
    {rating}/5 for the {subject}, [says|writes] {reviewer}
    {rating} stars for {subject} ({date})
    "{comment}" - {reviewer} about the {subject}
    {reviewer} from {city} writes: {comment}
    """, [
    f("subject|product|item|reviewed item|place|restaurant|product name", text_kind(lambda w: w.title(1, 3) if w.source.random() < 0.6 else w.company()), "This is about the {v}\nThe [product|place] is {v}\nReviewed: {v}", "{v}"),
    f("reviewer|author|name|user|written by|customer|reviewed by", NAME, "{v} wrote [it|the review]\nThe reviewer is {v}\nThe review is by {v}\nSigned, {v}\nRegards, {v}", "by {v}|- {v}|{v}"),
    f("rating|stars|score|points|star rating", int_kind(1, 5), "[I|We] give it {v} [stars|out of 5]\n{v} stars [from me|]\nThe [rating|score] is {v}\nThat makes {v} stars\nIt gets {v} points", "{v} stars|{v}/5|{v} out of 5"),
    f("date|review date|written on|posted on|published", date_kind(2012, 2029), "The review [is from|was written on|was posted on] {v}\nThe date is {v}\nPosted {v}", "{v}|on {v}"),
    f("sentiment|tone|mood|overall opinion|opinion", enum_kind(positive="good|happy|full of praise", negative="bad|angry|unhappy", neutral="so-so|mixed|undecided"), "The [review|tone] is {v}\nThe opinion is {v}", "{v}", positive="""
    [I am|We are] very happy with it
    [Great|Excellent|Wonderful|Fantastic] [quality|service|experience]
    I love it
    It works perfectly
    """, negative="""
    [I am|We are] very disappointed
    [Terrible|Awful|Horrible|Poor] [quality|service|experience]
    I hate it
    It broke after [a day|a week]
    Never again
    """, neutral="""
    It is okay, nothing special
    It does what it should, no more
    Neither good nor bad
    """),
    f("comment|text|review text|body|quote", text_kind(lambda w: w.choose(["great {0}, poor {1}", "I liked the {0}", "the {0} was cold", "best {0} in town", "never again", "love the {0}!", "too loud and too {0}",
      'my wife said "{0}"', "friendly staff, good {0}", "the {0} broke after {2} days", "could be better", "it's fine", "don't buy the {0}"]).format(w.draw("word"), w.draw("word"), w.source.randint(2, 30))),
      "[He|She] writes: {v}\nThe comment is: {v}\nIn one sentence: {v}\n\"{v}\"", "\"{v}\""),
    f("recommended|recommend|would recommend|recommends|would buy again", bool_kind(), "", "", "[I|We] [would |can |]recommend it\nI would buy it again\nHighly recommended\nTell your friends about it",
      "[I|We] [would|can] not recommend it\nI would not buy it again\nNot recommended\nStay away\nDo not buy it"),
    f("verified|verified purchase|is verified|verified buyer", bool_kind(), "", "", "This is a verified purchase\nThe purchase was verified", "The purchase is not verified\nThis is no verified purchase"),
    f("pros|advantages|good points|likes|strengths", choices_list("price|design|battery life|friendly staff|quiet|fast delivery|quality|taste|view|clean rooms|easy setup"), "[Pros|Good]: {v}\n[I|We] liked the {v}\nThe best things are {v}", "+ {v}"),
    f("cons|disadvantages|bad points|dislikes|weaknesses", choices_list("weight|noise|slow service|expensive|small portions|poor manual|smell|long wait|weak battery|hard to clean"), "[Cons|Bad]: {v}\n[I|We] disliked the {v}\nThe worst things are {v}", "- {v}"),
    f("helpful votes|votes|helpful|likes count|upvotes", int_kind(0, 900), "{v} people found it helpful\nIt has {v} votes", "{v} votes"),
    f("city|visited city|location|place of residence", CITY, "I live in {v}\nThe place is in {v}\nWe were in {v}", "{v}"),
    f("price|paid|price paid|cost", money_kind(2, 600), "[I|We] paid {v}\nIt cost [us|me] {v}\nThe price was {v}", "{v}"),
], {"author": "reviewer|city", "verdict": "rating|sentiment|recommended", "details": "pros|cons"})

ANIMAL = make_domain("pet", "pet|animal|dog|cat", "name", """
    {name}
    [Our|My] [pet|animal] {name}
    """, "He|She|It|The animal", """
    {name} is a {age}-year-old {species}
    {name} the {species} belongs to {owner}
    {owner} has a {species} [named|called] {name}
    {name}, {species}, weighs {weight} kg
    [Lost|Missing|Found]: {color} {species} [named|called] {name}, call {phone}
    {owner} [brought|took] {name} to the vet on {last visit}
    The {color} {species} {name} [is|was] seen in {city}
    """, [
    f("name|pet name|animal name|called", text_kind(lambda w: w.first_name() if w.source.random() < 0.6 else w.draw("word").title()), "The name is {v}\n[He|She] is called {v}\n[He|She] listens to the name {v}", "{v}"),
    f("species|animal|type|kind|kind of animal", enum_kind(dog="puppy|hound", cat="kitten|tomcat", rabbit="bunny", parrot="bird", horse="pony|mare", hamster="rodent"), "{S} is a {v}\nThe species is {v}", "{v}"),
    f("breed|race|breed name", choice_kind("Labrador|Poodle|Siamese|Maine Coon|Beagle|Persian|Dachshund|Boxer|mixed breed|German Shepherd|Border Collie"), "The breed is {v}\n{S} is a {v}", "{v}"),
    f("age|years|age in years|years old", int_kind(1, 20), "{S} is {v} [years old|]\nThe age is {v}", "{v} years|{v} years old"),
    f("owner|owner name|belongs to|keeper|human", NAME, "{S} belongs to {v}\nThe owner is {v}\n{v} [owns|keeps|looks after] {S}", "owner {v}"),
    f("weight|weight kg|weight in kg", num_kind(0.2, 60, 1), "{S} weighs {v} kg\nThe weight is {v} kg", "{v} kg"),
    f("color|colour|fur color|coat", choice_kind("black|white|brown|grey|spotted|ginger|golden|black and white|striped"), "{S} is {v}\nThe [fur|coat] is {v}\n{S} has {v} fur", "{v}"),
    f("vaccinated|is vaccinated|vaccination|has shots", bool_kind(), "", "", "{S} is vaccinated\n{S} has had all [shots|vaccinations]", "{S} is not vaccinated [yet|]\n{S} still needs the shots\nNo vaccinations so far"),
    f("neutered|is neutered|castrated|spayed", bool_kind(), "", "", "{S} [is|has been] [neutered|spayed|castrated]", "{S} is not [neutered|spayed|castrated]\n{S} has not been neutered"),
    f("last visit|last vet visit|vet visit|checkup|date", date_kind(2015, 2029), "The last visit was on {v}\n{S} saw the vet on {v}\nThe vet saw {S} on {v}", "last visit {v}"),
    f("chip|chip number|microchip|chip id", CODE, "The chip number is {v}\n{S} has chip {v}", "chip {v}"),
    f("friendly|is friendly|good with children|gentle", bool_kind(), "", "", "{S} is [friendly|gentle|good with children]\n{S} loves everybody", "{S} is not friendly\n{S} bites\nKeep away from {S}"),
    f("city|location|lives in|seen in", CITY, "{S} lives in {v}\nThe city is {v}\n{S} was seen in {v}", "{v}"),
    PHONE_FIELD,
    f("food|eats|diet|favorite food", choices_list("hay|carrots|fish|dry food|chicken|apples|seeds|tuna"), "{S} eats {v}\n{S} likes {v}", "eats {v}"),
], {"owner": "owner|phone|city", "health": "vaccinated|neutered|weight", "animal": "species|breed|age"})

MATCH = make_domain("match", "match|game|race|competition|tournament", "home team", """
    {home team}
    [The team|The hosts,] {home team}
    """, "They|The team|The hosts", """
    {home team} [beat|defeated|won against] {away team} {home score} to {away score}
    {home team} [drew with|played|met|lost to] {away team} {home score}:{away score} [in {city}|]
    {home team} vs {away team}, {home score}-{away score}, {date}
    {away team} [lost|played] {away score}-{home score} at {home team}
    On {date} {home team} met {away team} [in|at] {city} [in front of {spectators} fans|]
    {scorer} scored for {home team} in minute {minute}
    {referee} whistled {home team} against {away team}
    {spectators} [fans|people] saw {home team} play {away team}
    """, [
    f("home team|home|team a|first team|team", text_kind(lambda w: w.choose(["FC ", "SC ", "Real ", "", "", ""]) + w.draw("city") + w.choose([" United", " Rovers", " Tigers", " City", "", ""])), "The home team is {v}\n{v} played at home", "{v}"),
    f("away team|away|guest team|team b|opponent|visitors", text_kind(lambda w: w.choose(["FC ", "SC ", "", "", ""]) + w.draw("city") + w.choose([" Wanderers", " Lions", " Stars", " Town", "", ""])), "The [away team|guests|visitors] [was|were] {v}\nThe opponent is {v}\nThey played against {v}", "vs {v}"),
    f("home score|score home|home goals|goals home", int_kind(0, 8), "The hosts scored {v} [goals|times]\nThe home team got {v}", "{v} for the hosts"),
    f("away score|score away|away goals|goals away", int_kind(0, 8), "The guests scored {v} [goals|times]\nThe visitors got {v}", "{v} for the guests"),
    f("date|match date|played on|day", date_kind(1990, 2029), "The [game|match] was [played |]on {v}\nThe date is {v}\nThey played on {v}", "{v}|on {v}"),
    f("city|venue|stadium|location|place", CITY, "The [match|game] took place in {v}\nIt was played in {v}\nThe venue was {v}", "in {v}"),
    f("spectators|attendance|fans|audience|crowd", int_kind(50, 90000), "{v} [fans|people|spectators] [came|watched]\nThe attendance was {v}", "{v} spectators"),
    f("scorer|goal scorer|best player|player of the match|mvp", NAME, "{v} scored\nThe [best player|scorer] was {v}\nThe goal was scored by {v}", "scorer {v}"),
    f("referee|ref|umpire|official", NAME, "The referee was {v}\n{v} was the referee\n{v} was in charge", "ref {v}"),
    f("sport|discipline|game type|type of sport", enum_kind(football="soccer", basketball="hoops", hockey="ice hockey", tennis="court tennis", handball="hand ball"), "The sport is {v}\nIt is a {v} match", "{v}"),
    f("minute|goal minute|scored in minute", int_kind(1, 90), "The goal came in minute {v}\nIt happened in minute {v}", "min. {v}"),
    f("overtime|extra time|went to overtime|after extra time", bool_kind(), "", "", "It went to [overtime|extra time]\nExtra time was needed", "There was no [overtime|extra time]\nIt was decided in regular time"),
    f("players|lineup|scorers|squad", NAMES, "The players were {v}\nGoals by {v}\nOn the pitch: {v}", "players: {v}"),
], {"score": "home score|away score", "teams": "home team|away team", "venue": "city|spectators"})

SENSOR = make_domain("measurement", "measurement|sensor|device|machine|reading|server", "device", """
    [Sensor|Device|Machine|Station] {device}
    The [sensor|device] {device}
    """, "It|The device|The sensor|The machine", """
    [Sensor|Device] {device} [reports|measured|shows] {reading} [units |]at {timestamp}
    {device} in {room} [shows|measures|reads] {reading}
    At {timestamp} {device} [sent|reported] {reading}
    {device} ({kind}) [was installed|runs] in {room}
    {technician} [checked|repaired|installed] {device} on {checked on}
    Battery of {device}: {battery}%, reading {reading}
    """, [
    f("device|sensor|device id|sensor id|machine|station|id", text_kind(lambda w: w.code() if w.source.random() < 0.6 else w.title(1, 2)), "The [device|sensor] is {v}\nIts ID is {v}", "{v}"),
    f("reading|value|measured value|measurement|level", num_kind(-20, 900, 1), "{S} [reads|shows|measures] {v}\nThe [value|reading] is {v}\nWe measured {v}", "{v}|= {v}"),
    f("unit|measurement unit|units|unit of measure", choice_kind("kPa|mm|°C|lux|ppm|V|dB|bar|rpm|kWh|litres|mg"), "The unit is {v}\nIt is given in {v}\nValues are in {v}", "in {v}"),
    f("kind|type|sensor type|quantity|measures", enum_kind(temperature="thermal", pressure="barometric", humidity="moisture", light="brightness", sound="noise", motion="movement"), "{S} is a {v} sensor\nThe type is {v}\nIt measures {v}", "{v}"),
    f("timestamp|time|measured at|recorded at|date time|created at", moment_kind(), "The time [stamp |]is {v}\nIt was [measured|recorded] [on |]{v}\nRecorded {v}", "{v}|@ {v}"),
    f("room|location|place|position|area|zone", choice_kind("cellar|kitchen|hall 3|lab 2|warehouse|roof|basement|office 12|greenhouse|attic|zone B|server room|lobby|garage"), "{S} is in the {v}\nThe [location|room] is {v}\nYou find it in the {v}", "{v}|in {v}"),
    f("battery|battery level|battery percent|charge|charge level", int_kind(0, 100), "The battery is at {v}[%| percent]\n{v}% of the battery is left", "battery {v}%"),
    f("status|state|health|condition", enum_kind(ok="fine|healthy|normal", warning="suspicious|needs attention", error="faulty|broken|failed", offline="unreachable|down|not connected"), "{S} is {v}\nThe status is {v}", "{v}|status {v}", offline="We get no data\nIt does not answer"),
    f("active|is active|enabled|switched on|running|online", bool_kind(), "", "", "{S} is [on|running|active|switched on|online]\nIt is in use", "{S} is [off|inactive|switched off|not running|offline]\nIt is not in use"),
    f("alarm|alarm triggered|alert|is alarm", bool_kind(), "", "", "The alarm [went off|was triggered]\nThere is an alarm\nIt raised an alert", "There [is|was] no alarm\nNo alert was raised\nThe alarm stayed silent"),
    f("technician|checked by|installed by|operator|responsible", NAME, "{v} [checked|installed|maintains] it\nThe technician is {v}\nIt was checked by {v}", "by {v}"),
    f("checked on|last check|installed on|calibration date|last maintenance|maintained on", date_kind(2010, 2029), "{S} was [checked|installed|calibrated] on {v}\nThe last check was on {v}", "checked {v}"),
    f("serial number|serial|serial no|part number", CODE, "The serial number is {v}\nIt has serial number {v}", "S/N {v}"),
    f("ip address|ip|host|address", text_kind(lambda w: ".".join(str(w.source.randint(0, 255)) for _ in range(4))), "The IP address is {v}\nIt listens at {v}\n{S} answers at {v}", "{v}"),
    f("port|tcp port|port number", int_kind(20, 65000), "The port is {v}\nIt listens on port {v}", "port {v}"),
    f("memory|ram|memory gb|ram gb", int_kind(1, 512), "It has {v} GB of [memory|RAM]\n{S} has {v} GB RAM", "{v} GB RAM"),
], {"location": "room|device", "battery": "battery|status", "check": "technician|checked on", "network": "ip address|port"})

WORLD: list[Domain] = [EVENT, FLIGHT, WEATHER, MOVIE, BOOK, RECIPE, VEHICLE, HOME, REVIEW, ANIMAL, MATCH, SENSOR]
