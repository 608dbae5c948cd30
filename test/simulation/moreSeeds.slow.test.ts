/** Twelve hundred other seeds than `npm test` runs. */
import { violatesNothing } from "./violatesNothing.ts";

violatesNothing([401, 801, 1_201]);
