/** The answer for a cluster that does not exist. */
import { clusterResourceType } from "../model/resourceId.ts";
import { RpError } from "../model/rpError.ts";
import { clusterNameOf, type Exchange } from "./exchange.ts";

/** `ResourceNotFound`, with the names that the caller used. */
export function resourceNotFound(exchange: Exchange): RpError {
  const { resourceGroup, name } = clusterNameOf(exchange);
  return new RpError({
    code: "ResourceNotFound",
    message: `The resource '${clusterResourceType}/${name}' under resource group '${resourceGroup}' was not found.`,
  });
}
