"""Domains about people: persons, contacts, employees, patients, students, job posts, applications, customers."""

from __future__ import annotations

from .domain import Domain, make_domain, make_field as f
from .values import (
    bool_kind, choice_kind, choices_list, date_kind, email_kind, enum_kind, int_kind, money_kind, num_kind, phone_text,
    street_text, text_kind, url_kind, year_kind, zip_text,
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
    LANGUAGES, STREET, ZIP, STATE, WEIGHT, HEIGHT, GENDER,
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

PATIENT = make_domain("patient", "patient|case", "name", """
    {name}
    [The patient|Patient|Patient:] {name}
    [Mr|Mrs|Ms] {name}
    """, "He|She|The patient", """
    {name}, {age}, [was seen|came in|presented] [with|complaining of] {symptoms} on {visit date}
    [Patient|The patient] {name} ({age}) was [admitted|examined] on {visit date}
    {doctor} [saw|examined|treated] {name} on {visit date} [for|because of] {diagnosis}
    A {age}-year-old patient, {name}, [has|reports|suffers from] {symptoms}
    {name} was diagnosed with {diagnosis} by {doctor}
    """, [
    f("name|patient name|patient|full name", NAME, "The patient is {v}\nThe name of the patient is {v}", "{v}"),
    AGE, BORN, GENDER, WEIGHT, HEIGHT, PHONE_FIELD,
    f("symptoms|complaints|signs", choices_list(
        "headache|fever|cough|nausea|back pain|dizziness|fatigue|sore throat|chest pain|rash|insomnia|joint pain|"
        "shortness of breath|stomach ache|vomiting|blurred vision"), """
    {S} [complains of|reports|suffers from|has|describes] {v}
    [Symptoms|Complaints] [are|include] {v}
    {S} came [in |]because of {v}
    {S} has had {v} for [days|two weeks]
    """, "with {v}"),
    f("diagnosis|condition|disease|finding", choice_kind(
        "migraine|type 2 diabetes|asthma|bronchitis|influenza|hypertension|pneumonia|a sprained ankle|tonsillitis|anemia|"
        "gastritis|arthritis|a broken wrist|sinusitis|food poisoning|eczema"), """
    The diagnosis is {v}
    {S} was diagnosed with {v}
    The doctor [found|suspects|diagnosed] {v}
    Tests [showed|confirmed|point to] {v}
    It [turned out to be|looks like] {v}
    """, "diagnosis {v}"),
    f("doctor|physician|attending physician|seen by|doctor name", text_kind(lambda w: "Dr. " + w.last_name()), """
    {v} [saw|examined|treats] {S}
    {S} was [seen|treated|examined] by {v}
    The [doctor|attending physician] is {v}
    {S} is under the care of {v}
    """, "{v}"),
    f("visit date|date|admission date|appointment date|date of visit", date_kind(2010, 2029), """
    {S} [came|was admitted|was seen] on {v}
    The [visit|appointment] [was|is] on {v}
    The date [of the visit |]is {v}
    """, "{v}|on {v}"),
    f("medication|medications|drugs|prescriptions|medicines", choices_list(
        "ibuprofen|paracetamol|aspirin|metformin|amoxicillin|insulin|lisinopril|omeprazole|salbutamol|vitamin D"), """
    {S} [takes|was given|was prescribed|is on] {v}
    [The prescription|Medication] is {v}
    {S} should take {v}
    """, "takes {v}"),
    f("dose|dosage|dose in mg|dose mg", int_kind(5, 1000), """
    The [dose|dosage] is {v} mg
    {S} takes {v} mg [a day|daily|]
    [Give|Take] {v} [mg|milligrams]
    """, "{v} mg"),
    f("temperature|body temperature|temp|fever", num_kind(35.5, 41, 1), """
    {S} has a temperature of {v} [°C|degrees|C]
    The [body |]temperature [is|was] {v} °C
    {S} runs a fever of {v}
    """, "{v} °C"),
    f("blood type|blood group", enum_kind(A="A", B="B", AB="AB", O="O"), """
    The blood [type|group] is {v}
    {S} has blood [type|group] {v}
    """, "blood type {v}"),
    f("allergies|allergic to|known allergies", choices_list("penicillin|nuts|pollen|latex|shellfish|dust|milk|eggs|wasps"), """
    {S} is allergic to {v}
    {S} [cannot tolerate|reacts badly to] {v}
    [Known |]allergies: {v}
    """, "allergic to {v}"),
    f("insured|has insurance|is insured", bool_kind(), "", "", """
    {S} [is insured|has health insurance]
    The insurance covers {S}
    {S} has full coverage
    """, """
    {S} [is not insured|has no insurance|is uninsured]
    There is no insurance
    {S} pays out of pocket
    """),
    f("emergency|is emergency|urgent", bool_kind(), "", "", """
    It is an emergency
    This is [urgent|an urgent case]
    {S} needs help at once
    """, """
    It is not [an emergency|urgent]
    There is no hurry
    This is a routine case
    """),
], {"vitals": "temperature|weight|height", "treatment": "medication|dose", "visit": "visit date|doctor|diagnosis"}, person=True)

STUDENT = make_domain("student", "student|pupil|learner|graduate", "name", """
    {name}
    {name}
    [The student|Student|Pupil] {name}
    """, "He|She|The student", """
    {name} [studies|is studying|reads] {major} at {university}
    {name} [graduated|will graduate] from {university} in {graduation year} [with a degree in {major}|]
    {name} [enrolled|started] at {university} and has a GPA of {gpa}
    {name}, a student of {major}, is {age}
    Student {name} (no. {student id}) [got|received] the grade {grade} in {major}
    """, [
    f("name|student name|student|full name", NAME, "The student is [called |]{v}", "{v}"),
    AGE, EMAIL, CITY_FIELD, LANGUAGES, HOBBIES, NATION,
    f("university|school|college|institution", text_kind(lambda w: w.choose(["University of ", "", ""]) + w.draw("city") + w.choose([
        " University", " College", " Institute of Technology", " Academy", " High School"])), """
    {S} [goes to|attends|is enrolled at|studies at] {v}
    The [school|university|college] is {v}
    {S} [graduated|comes] from {v}
    """, "{v}|at {v}"),
    f("major|subject|field of study|course of study|degree program|studies", choice_kind(
        "physics|biology|law|economics|computer science|history|mathematics|philosophy|medicine|linguistics|chemistry|"
        "art history|mechanical engineering|political science|music|architecture|psychology|nursing"), """
    {S} [studies|majors in|reads|is studying|learns] {v}
    The [major|subject|course] is {v}
    {S} [wants|plans] to finish {v}
    {S} chose {v}
    """, "{v}"),
    f("gpa|average grade|grade point average|average", num_kind(1, 4, 2), """
    {S} has a GPA of {v}
    The [GPA|average grade|grade point average] is {v}
    {S} [averages|scored an average of] {v}
    """, "GPA {v}"),
    f("grade|mark|final grade", enum_kind(A="A", B="B", C="C", D="D", F="F"), """
    {S} [got|received|earned] [a|an|the grade] {v}
    The [final |]grade is {v}
    {S} [passed|finished] with [a|an] {v}
    """, "grade {v}"),
    f("graduation year|year of graduation|class of|graduated|graduates in", year_kind(), """
    {S} [graduated|will graduate|finished] in {v}
    {S} is in the class of {v}
    Graduation [was|is] in {v}
    """, "class of {v}"),
    f("student id|student number|matriculation number|id", CODE, """
    The [student|matriculation] [number|ID] is {v}
    {S} has student number {v}
    """, "no. {v}"),
    f("credits|credit points|ects|points", int_kind(0, 240), """
    {S} has [earned|collected|] {v} [credits|credit points|points]
    {v} credits are [done|complete]
    """, "{v} credits"),
    f("semester|term|current semester", int_kind(1, 12), """
    {S} is in semester {v}
    {S} has been studying for {v} [semesters|terms]
    """, "semester {v}"),
    f("scholarship|has scholarship|scholarship holder", bool_kind(), "", "", """
    {S} [has|won|receives|holds] a scholarship
    A scholarship pays for everything
    """, """
    {S} [has no|does not have a|gets no] scholarship
    {S} did not get the scholarship
    There is no scholarship
    """),
    f("courses|classes|subjects|modules", choices_list(
        "Algebra|World History|Organic Chemistry|Microeconomics|Drawing|Statistics|Creative Writing|Databases|Ethics|"
        "Spanish II|Machine Learning|Biology 101|Public Law"), """
    {S} [takes|attends|signed up for|is taking] {v}
    The [courses|classes] are {v}
    This [term|year] it is {v}
    """, "courses: {v}"),
], {"education": "university|major|graduation year|gpa", "contact": "email|city", "result": "grade|credits|gpa"}, person=True)

JOB_POST = make_domain("job post", "job|job post|vacancy|opening|position|offer", "title", """
    The [job|position|vacancy|role] {title}
    [The opening|Our opening] for {title}
    """, "The job|The position|It|The role", """
    {company} [is looking for|is hiring|seeks|needs|wants] [a|an] {title} in {city}
    [We are hiring|We're hiring|Now hiring]: {title} at {company} in {city}
    {company} ({city}) [has an opening|has a vacancy] for [a|an] {title}
    [a|an] {title} is wanted [by|at] {company}, salary {salary}
    [Join|Come and work for] {company} as [a|an] {title}. [The pay|The salary] is {salary} per year
    {title} wanted in {city}! [Apply by|Deadline] {deadline}
    [Apply|Apply now] for the {title} [position|role|job] at {company} by {deadline}
    Vacancy at {company}: {title}, {salary}, {city}
    """, [
    f("title|job title|position|role|job|vacancy", text_kind(lambda w: w.draw("job") if w.source.random() < 0.5 else w.draw("job").title()), """
    The [position|role|job title|vacancy] is {v}
    [We|They] [need|want|seek|hire] [a|an] {v}
    You will work as [a|an] {v}
    Wanted: {v}
    """, "{v}"),
    COMPANY_FIELD, f("city|location|place|work location|office", CITY, """
    The [job|position|office] is [based |located |]in {v}
    The [location|place of work] is {v}
    You will work in {v}
    Our office is in {v}
    The role requires living near {v}
    """, "{v}|in {v}"),
    f("salary|pay|annual salary|compensation|wage", money_kind(15000, 200000), """
    The [salary|pay|compensation] is {v}
    [We|They] [pay|offer] {v} [per year|a year|annually|]
    It pays {v}
    You [earn|get] {v}
    Compensation: {v}
    """, "{v}"),
    SKILLS,
    f("deadline|apply by|closing date|application deadline|application date", date_kind(2020, 2030), """
    [Apply|Send your application] [by|before|until] {v}
    The [deadline|closing date] is {v}
    Applications close on {v}
    The offer [stands|is open] until {v}
    """, "by {v}|until {v}"),
    f("years of experience|experience|minimum experience|experience years|required experience", int_kind(0, 15), """
    [You need|We expect|We ask for|It takes] [at least |]{v} years of experience
    [Candidates|Applicants] should have {v} years [behind them|of experience]
    Minimum experience is {v} years
    {v}+ years of experience [required|preferred]
    """, "{v} years experience"),
    f("remote|is remote|remote possible|work from home|remote work", bool_kind(), "", "", """
    [Remote work|Home office] is [possible|welcome|fine|allowed]
    The [job|position] is [fully |]remote
    You can work from [home|anywhere]
    Work from wherever you like
    """, """
    [Remote work|Home office] is not [possible|allowed]
    The job is on site [only|]
    You [must|have to] come to the office
    No remote work
    """),
    f("employment type|type|contract type|job type", enum_kind(full_time="full-time|full time", part_time="part-time|half days",
      contract="as a contractor|project-based", internship="for interns|a trainee post"), """
    The [job|position] is {v}
    The [type|contract] is {v}
    We offer this role {v}
    """, "{v}"),
    f("seniority|level|experience level", enum_kind(junior="entry-level|for beginners", mid="mid-level|intermediate",
      senior="experienced|for veterans", executive="top management|C-level"), """
    The [level|seniority] is {v}
    We look for someone {v}
    The role is {v}
    """, "{v}"),
    f("benefits|perks|extras", choices_list("free lunch|gym|company car|stock options|health insurance|free coffee|"
      "flexible hours|training budget|public transport ticket|pension plan"), """
    [Benefits|Perks] [include|are] {v}
    [We|They] offer {v}
    You [get|enjoy] {v}
    """, "benefits: {v}"),
    EMAIL, f("openings|number of openings|positions|headcount|vacancies", int_kind(1, 30), """
    There are {v} [openings|vacancies|positions]
    [We|They] hire {v} people
    {v} places are open
    """, "{v} openings"),
    f("reference|job id|ref|reference number|posting id", CODE, """
    The reference is {v}
    [Quote|Mention|Use] [reference |job ID ]{v}
    """, "ref. {v}"),
], {"requirements": "skills|years of experience|seniority", "offer": "salary|benefits|remote", "contact": "email|reference"})

PEOPLE: list[Domain] = [PERSON, EMPLOYEE, PATIENT, STUDENT, JOB_POST]
