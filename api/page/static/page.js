// What scripts add to a page that works without them.
import { streamForms } from "./ask.js";
import { openQuotes } from "./quote.js";
import { keys } from "./keys.js";
import { talks } from "./talks.js";
import { tools } from "./tools.js";
import { feedback } from "./feedback.js";

streamForms(document);
openQuotes(document);
keys(document);
talks(document);
tools(document);
feedback(document);
