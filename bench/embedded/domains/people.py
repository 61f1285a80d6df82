"""Domains about people, persons and employees, and the properties of people that other domains use too."""

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
    email_kind,
    enum_kind,
    int_kind,
    money_kind,
    num_kind,
    phone_text,
    street_text,
    text_kind,
    url_kind,
    zip_text,
)

NAME = text_kind(lambda w: w.full_name())
CITY = text_kind(lambda w: w.draw("city"))
COUNTRY = text_kind(lambda w: w.draw("country"))
JOB = text_kind(lambda w: w.draw("job"))
COMPANY = text_kind(lambda w: w.company())
PHONE = text_kind(phone_text)
CODE = text_kind(lambda w: w.code())

AGE = f("age|age in years|years old|years", int_kind(18, 90), """
    {S} is {v} years old
    {S} is {v} [years of age|yrs old]
    {S} is {v}
    {S} [just|recently] turned {v}
    {S} [turned|became] {v} [this year|last month|in spring]
    {S} is aged {v}
    [At|Aged] {v}, {S} [is still very active|feels young|has no plans to stop]
    {S} [celebrated|had] a birthday and is now {v}
    {S} has [reached|passed] the age of {v}
    [Age|The age] is {v}
    {S} will [soon|never again] be older than {v}, which is the age right now
    {S}, {v}, [is in good health|likes long walks]
    """, "{v}|{v} years old|aged {v}|age {v}|{v} yo")
CITY_FIELD = f("city|town|location|home city|residence|place|hometown|lives in", CITY, """
    {S} lives in {v}
    {S} [resides|is based|is living|is located|dwells] in {v}
    {S} [comes|is|hails] from {v}
    {S} [moved|relocated] to {v} [last year|in May|years ago|recently]
    {S} [grew up|was raised] in {v} [and never left|and still lives there|]
    [Home|The home] is [in |]{v}
    {S} calls {v} home
    {S} has [a flat|an apartment|a house|a home] in {v}
    {S} settled in {v}
    {S} can be found in {v}
    {S} [works|writes] from {v}
    The [place|town|city] is {v}
    In {v}, {S} [found a home|feels at home]
    """, "{v}|from {v}|in {v}|based in {v}|living in {v}")
COUNTRY_FIELD = f("country|nation|country of residence", COUNTRY, """
    {S} [lives|is based] in {v}
    {S} is [a citizen|a resident] of {v}
    The country is {v}
    {S} [was born|grew up] in {v}
    {S} holds a passport from {v}
    {S} is originally from {v}
    """, "{v}")
EMAIL = f("email|email address|mail|e-mail|contact email", email_kind(), """
    {S} can be [reached|contacted] at {v}
    [Email|Mail|Write to|Send an email to|Contact] {v}
    [The|Our] [email|mail] address is {v}
    {S} [reads|answers] mail at {v}
    [Please |]write to {v} [for details|with questions|]
    {S} [uses|has] the email [address |]{v}
    [You can|Please] send [messages|mail|everything] to {v}
    The best [way|address] to [reach|contact] us is {v}
    {S} prefers email ({v})
    """, "{v}|<{v}>|email {v}|({v})")
PHONE_FIELD = f("phone|phone number|telephone|tel|mobile|cell|contact number", PHONE, """
    {S} can be [reached|called] on {v}
    [Call|Ring|Phone|Text] {v}
    [The|Our] [phone|telephone|mobile|cell] number is {v}
    {S} [answers|picks up] at {v}
    [You can|Please] call {v} [in the morning|any time|]
    [Tel|Phone]: {v}
    {S} has the number {v}
    For [urgent matters|questions], dial {v}
    """, "{v}|tel {v}|phone {v}|tel. {v}")
JOB_FIELD = f("job|occupation|profession|job title|role|position|work", JOB, """
    {S} works as [a|an] {v}
    {S} is [a|an] {v} [by trade|by profession|]
    {S} [earns a living|makes money] as [a|an] {v}
    {S} has been [a|an] {v} for years
    {S} [trained|qualified|was hired] as [a|an] {v}
    [By day|For a living|Professionally], {S} is [a|an] {v}
    {S} [found|has] [work|a job] as [a|an] {v}
    {S} is employed as [a|an] {v}
    The [job|role|position|occupation] is {v}
    {S} [became|wants to stay] [a|an] {v}
    Working as [a|an] {v} [is fun|suits {S}]
    """, "{v}")
COMPANY_FIELD = f("company|employer|organization|organisation|works for|firm|workplace", COMPANY, """
    {S} works [for|at] {v}
    {S} is employed [by|at] {v}
    {S} [joined|signed with|was hired by] {v} [recently|in 2019|last spring|]
    {S} has a [job|desk] at {v}
    The [employer|company] is {v}
    {S} represents {v}
    {v} [employs|pays|hired] {S}
    {S} [earns money|makes a living] at {v}
    {S} is [with|part of the team at] {v}
    """, "{v}|at {v}")
BORN = f("birth date|date of birth|birthday|born|dob|birthdate|born on", date_kind(1940, 2008), """
    {S} was born on {v}
    {S} was born {v}
    {S} came into the world on {v}
    [The|] date of birth is {v}
    {S}'s birthday is {v}
    {S} [celebrates|has] a birthday, born {v}
    Born on {v}, {S} [is the youngest|grew up by the sea]
    """, "born {v}|born on {v}|* {v}|b. {v}")
NATION = f("nationality|citizenship", choice_kind(
    "French|German|Spanish|Italian|Portuguese|Polish|Czech|Dutch|Danish|Swedish|Norwegian|Finnish|Greek|Turkish|Indian|"
    "Chinese|Japanese|Korean|Brazilian|Mexican|Canadian|American|British|Irish|Kenyan|Nigerian|Egyptian|Australian"), """
    {S} is {v}
    {S} is {v} by [birth|nationality]
    {S} holds {v} citizenship
    {S} has a {v} passport
    The nationality is {v}
    """, "{v}")
MARRIED = f("married|is married|has spouse", bool_kind(), "", "", """
    {S} is married
    {S} [tied the knot|got married] [last year|in 2015|in June]
    {S} has a [wife|husband|spouse]
    {S} is [happily|recently] married
    {S} and [his|her] [wife|husband] [have two cats|like to travel]
    {S} wears a wedding ring
    {S} lives with [his|her] [wife|husband]
    """, """
    {S} is [single|unmarried|not married]
    {S} [has never married|never got married]
    {S} isn't married [yet|]
    {S} is a bachelor
    {S} has no [spouse|wife|husband]
    {S} is still looking for the right partner
    {S} is [divorced|widowed]
    """)
CHILDREN = f("children|number of children|kids|child count", int_kind(0, 6), """
    {S} has {v} [children|kids]
    {S} is [raising|bringing up] {v} [children|kids]
    {S} is [a parent|the parent] of {v}
    There are {v} [children|kids] in the family
    """, "{v} children|{v} kids")
HOBBIES = f("hobbies|interests|likes|pastimes|free time", choices_list(
    "chess|hiking|painting|cooking|reading|swimming|photography|gardening|cycling|running|yoga|climbing|tennis|football|"
    "dancing|fishing|knitting|board games|playing guitar|bird watching|video games|sailing|skiing|baking"), """
    {S} [likes|enjoys|loves|is fond of|adores] {v}
    {S} [is into|has a passion for] {v}
    [Hobbies|Interests] [include|are] {v}
    In [free time|spare time|the evenings], {S} [enjoys|does|goes in for] {v}
    {S} spends weekends with {v}
    {S} is interested in {v}
    After work it is all about {v}
    """, "likes {v}|hobbies: {v}")
LANGUAGES = f("languages|languages spoken|spoken languages|speaks", choices_list(
    "English|German|French|Spanish|Italian|Portuguese|Polish|Czech|Dutch|Danish|Swedish|Russian|Arabic|Hindi|Mandarin|"
    "Japanese|Korean|Turkish|Greek|Finnish|Hungarian"), """
    {S} [speaks|knows|is fluent in|understands] {v}
    {S} [learned|studied] {v}
    [The languages|Languages spoken] are {v}
    {S} can [talk|converse] in {v}
    """, "speaks {v}|languages: {v}")
SKILLS = f("skills|competencies|technologies|expertise|tech stack|abilities", choices_list(
    "Python|Java|SQL|Excel|Docker|Kubernetes|welding|negotiation|first aid|public speaking|SEO|AutoCAD|React|C++|Go|Rust|"
    "copywriting|bookkeeping|leadership|Photoshop|customer service|data analysis|forklift driving"), """
    {S} is [skilled|experienced|good] in {v}
    {S} [knows|masters|has a good command of] {v}
    [Skills|Strengths] [include|are] {v}
    [Required|Needed|Wanted]: {v}
    {S} [brings|has] [experience|expertise] in {v}
    We [need|want] someone with {v}
    {S} has worked with {v}
    """, "skills: {v}")
STREET = f("street|street address|address|address line|road", text_kind(street_text), """
    {S} lives at {v}
    The [street |]address is {v}
    {S} [has moved|moved] to {v}
    [Send|Deliver|Ship] [it|everything|letters] to {v}
    You will find {S} at {v}
    [Mail|Post] goes to {v}
    """, "{v}")
ZIP = f("zip|postal code|postcode|zip code|zipcode", text_kind(zip_text), """
    The [zip|postal] code is {v}
    The postcode is {v}
    [The area has|It is in] [zip|postcode] {v}
    [Letters|Mail] need the [zip|postal] code {v}
    """, "{v}|zip {v}")
STATE = f("state|region|province", text_kind(lambda w: w.draw("state")), """
    The [state|region|province] is {v}
    That is in [the state of |]{v}
    {S} lives in the [state|region] of {v}
    """, "{v}")
WEIGHT = f("weight|weight in kg|weight kg|body weight", num_kind(45, 120, 1), """
    {S} weighs {v} [kg|kilos|kilograms]
    {S} [tips|puts] the scales at {v} kg
    [The|] [weight|body weight] is {v} kg
    """, "{v} kg")
HEIGHT = f("height|height in cm|height cm|body height", int_kind(150, 205), """
    {S} is {v} [cm|centimetres|centimeters] tall
    {S} [measures|stands] {v} cm
    [The|] height is {v} cm
    """, "{v} cm|{v} cm tall")
GENDER = f("gender|sex", enum_kind(male="man|masculine", female="woman|feminine", other="non-binary|diverse"), """
    {S} is {v}
    {S} identifies as {v}
    The gender is {v}
    """, "{v}")

EMPLOYMENT = f("employment|employment status|working status|occupation status|work status", enum_kind(
    student="studying|at university|still at school|enrolled at a college|taking a degree|an undergraduate",
    employed="working|in work|at work in an office|working full time|on the staff of a hospital|working at a bank|in a steady job",
    retired="a pensioner|no longer working|drawing a pension|living on a pension|in retirement",
    unemployed="out of work|between jobs|looking for a job|without a job|job hunting",
    self_employed="running a small business|a freelancer|working freelance|self-employed|running a shop of their own"), """
    {S} is {v}
    {S} is [currently|at present|now|these days] {v}
    [At the moment|Right now|For some years now] {S} [is|has been] {v}
    {S} has been {v} [since spring|for two years|since last year]
    The [employment|working] status is {v}
    {S}, who is {v}, [likes it|is content]
    As for work, {S} is {v}
    """, "{v}|status {v}")
FAMILY = f("marital status|family status|civil status", enum_kind(
    single="unmarried|not married|living alone", married="a wedded man|wedded|husband to somebody|wife to somebody",
    divorced="separated by divorce|no longer married", widowed="a widow|a widower", partnered="living with a partner|in a relationship"), """
    {S} is {v}
    {S} is [currently|now] {v}
    The [marital|family] status is {v}
    """, "{v}")

PERSON = make_domain("person", "person|user|customer|member|guest|contact|client|friend|neighbour", "name", """
    {name}
    {name}
    {name}
    [Our|My] [neighbour|friend|colleague|client|cousin] {name}
    A [person|man|woman] [named|called] {name}
    """, "He|She|He|She", """
    {name} is a {age}-year-old {job} from {city}
    {name} ({age}) is [a|an] {job} [in|from] {city}
    {name}, {age}, [lives|resides|works] in {city}
    {name} is {age} years old and works as [a|an] {job} at {company}
    [Meet|This is|Say hello to|Let me introduce|Please welcome] {name}, [a|an] {job} from {city}
    {name}, [a|an] {job} [with|at] {company}, is {age}
    My name is {name}, I am {age} and I live in {city}
    [Hi|Hello|Hey], I'm {name} [and I am|and I'm] {age} years old
    I am {name}, [a|an] {job} from {city}. You can [reach|email] me at {email}
    {name} from {city} [works|is working] [for|at] {company}
    {name} [<{email}>|({email})] is [a|an] {job}
    {name}, born {birth date} in {city}, is [a|an] {job}
    {job} {name} [lives|lived] in {city}
    At {age}, {name} [works|is working] as [a|an] {job} in {city}
    The {age}-year-old {name} [comes|is] from {city}
    [In|Back in] {city} [lives|there is|I met] {name}, {age}
    {name} works at {company} as [a|an] {job} [and lives in {city}|]
    Contact {name} at {email} or {phone}
    My name's {name}. I was born on {birth date}
    [a|an] {job} called {name} [moved|came] to {city}
    {name} of {company} lives in {city}, {country}
    {name} lives at {street}, {zip} {city}
    {name} lives at {street} in {city}, {country}
    Address: {name}, {street}, {zip} {city}, {country}
    """, [
    f("name|full name|person|customer name|contact name|display name", NAME, """
    The name is {v}
    [My|The person's] name is {v}
    {v} is the name
    [This|It] is about {v}
    They are called {v}
    """, "{v}"),
    AGE, CITY_FIELD, COUNTRY_FIELD, EMAIL, PHONE_FIELD, JOB_FIELD, COMPANY_FIELD, BORN, NATION, MARRIED, CHILDREN, HOBBIES,
    LANGUAGES, STREET, ZIP, STATE, WEIGHT, HEIGHT, GENDER, EMPLOYMENT, FAMILY,
    f("website|homepage|url|web page|site", url_kind(), """
    {S} [runs|has|writes] [a website at|the website|a blog at] {v}
    [See|Visit|More at] {v}
    The [homepage|website] is {v}
    """, "{v}"),
    f("student|is student|enrolled", bool_kind(), "", "", """
    {S} is [a student|still studying|enrolled at a university]
    {S} [goes to|attends] university
    """, """
    {S} is [not a student|no longer a student]
    {S} [left university|finished studying] years ago
    {S} does not study [any more|]
    """),
    f("smoker|smokes|is smoker", bool_kind(), "", "", """
    {S} smokes
    {S} is a [heavy |]smoker
    {S} [enjoys|needs] a cigarette [now and then|after lunch]
    """, """
    {S} does not smoke
    {S} is a non-smoker
    {S} never smokes
    {S} [quit|gave up] smoking
    """),
    f("has car|owns car|car owner|drives", bool_kind(), "", "", """
    {S} [owns|has|drives] a car
    {S} has a [driving licence and a car|car of {S}'s own]
    """, """
    {S} [does not own|doesn't have|has no] [a |]car
    {S} gets around without a car
    """),
    f("pet|pet name|name of pet", text_kind(lambda w: w.first_name()), """
    {S} has a [dog|cat|parrot|rabbit] [named|called] {v}
    {S} [owns|walks|feeds] a [dog|cat] by the name of {v}
    """),
    f("favorite color|favourite color|color|favourite colour", choice_kind(
        "red|blue|green|yellow|black|white|purple|orange|teal|pink|brown|grey|turquoise|navy blue|dark green"), """
    {S}'s [favourite|favorite] [colour|color] is {v}
    {S} likes {v} best
    {S} [always|mostly] wears {v}
    """),
], {"address": "street|city|zip|country|state", "contact": "email|phone|website", "location": "city|country",
    "profile": "age|gender|nationality|married", "details": "age|job|company|city", "work": "job|company",
    "body": "height|weight"}, person=True)

EMPLOYEE = make_domain("employee", "employee|staff member|worker|colleague|team member|new hire", "name", """
    {name}
    {name}
    [Employee|Colleague|Team member|Staff member] {name}
    [Our|The] new [colleague|hire|team member] {name}
    """, "He|She", """
    {name} [joined|started at] {company} as [a|an] {job} on {start date}
    {name} [works|has been working] in {department} since {start date}
    {name} (ID {employee id}) [works|is] in [the |]{department} [department|team|]
    [Please welcome|We hired] {name}, our new {job}[, who starts on {start date}|]
    {name}, {job}, [reports|answers] to {manager}
    Employee {employee id}, {name}, earns {salary} [a year|per year|annually]
    {manager} is the manager of {name}, who works as [a|an] {job}
    {name} from {department} earns {salary}
    """, [
    f("name|full name|employee name|employee", NAME, "The [employee|name] is {v}\nThis record is about {v}", "{v}"),
    f("employee id|id|staff number|personnel number|badge number", CODE, """
    {S} has [the employee ID|badge number|staff number] {v}
    The [employee id|staff number|personnel number] is {v}
    {S} is listed [as|under] {v}
    """, "ID {v}"),
    JOB_FIELD, COMPANY_FIELD, EMAIL, PHONE_FIELD, SKILLS, LANGUAGES, CITY_FIELD, AGE,
    f("department|team|division|unit", choice_kind(
        "Sales|Marketing|Engineering|Finance|Human Resources|Legal|Research|IT|Support|Logistics|Operations|Purchasing|"
        "Quality Control|Customer Success|Public Relations|Design"), """
    {S} [works|is] in [the |]{v} [department|team|division|]
    {S} [belongs to|is part of|joined|strengthens] [the |]{v} [team|department]
    The department is {v}
    {S} [moved|transferred] to {v}
    """, "{v}|{v} department"),
    f("salary|annual salary|yearly salary|pay|wage|income", money_kind(18000, 190000), """
    {S} [earns|makes|gets] {v} [a year|per year|annually|]
    [The|] [annual |yearly |]salary is {v}
    {S} is paid {v}
    {S} has a salary of {v}
    [Pay|Income] [is|amounts to] {v}
    """, "{v}|salary {v}"),
    f("start date|hire date|joined|hired on|joining date|date hired", date_kind(1995, 2029), """
    {S} [started|joined|began] on {v}
    {S} [starts|will start|begins] on {v}
    {S} was hired on {v}
    {S} has been with us since {v}
    [The|] [start|first] [date|day] is {v}
    First day at work: {v}
    """, "since {v}|hired {v}|starts {v}"),
    f("manager|supervisor|boss|reports to|line manager|team lead", NAME, """
    {S} reports to {v}
    [The|] [manager|supervisor|boss|team lead] is {v}
    {S}'s [boss|manager|supervisor] is {v}
    {v} [manages|supervises|leads] {S}
    {S} [works under|answers to] {v}
    """, "manager {v}"),
    f("remote|works remotely|is remote|home office|work from home", bool_kind(), "", "", """
    {S} works [remotely|from home|fully remote]
    {S} is a remote worker
    {S} [never comes|does not come] to the office
    {S} [does everything|works] from the home office
    """, """
    {S} works [on site|in the office|on-site]
    {S} comes to the office every day
    {S} does not work [remotely|from home]
    No home office for {S}
    """),
    f("full time|is full time|fulltime", bool_kind(), "", "", """
    {S} works full time
    {S} has a full-time [contract|position]
    {S} works forty hours a week
    """, """
    {S} works part time
    {S} has a part-time [contract|position]
    {S} only works [half days|two days a week]
    """),
    f("vacation days|days off|leave days|annual leave|holidays", int_kind(10, 40), """
    {S} [has|gets] {v} [days off|vacation days|days of leave|days of holiday]
    There are {v} [vacation|leave] days [a year|left|]
    """, "{v} vacation days"),
    f("level|seniority|experience level|grade", enum_kind(junior="entry level|a beginner", mid="mid-level|intermediate",
      senior="experienced|a veteran", lead="team lead level|principal"), """
    {S} [is|ranks as] {v}
    The [level|seniority] is {v}
    {S} was [hired|promoted] at the {v} level
    """, "{v}"),
    f("contract type|employment type|contract", enum_kind(permanent="open-ended|indefinite", temporary="fixed-term|limited",
      internship="trainee|intern", freelance="contractor|self-employed"), """
    The contract is {v}
    {S} has a {v} contract
    {S} is on a {v} contract
    """, "{v}"),
], {"contact": "email|phone", "employment": "job|company|start date|salary", "position": "job|department|level",
    "contract": "contract type|full time|salary"}, person=True)

PEOPLE: list[Domain] = [PERSON, EMPLOYEE]
