#!/bin/sh
# Prints kubernetes.yaml with the values of one deployment, from the environment, for `kubectl apply`. It changes nothing, and
# prints nothing while a value is missing. README.md says where the values come from;
# OTEL_EXPORTER_OTLP_ENDPOINT, for traces, may be left out, and so may INSTALLER (local), unless it is azure, which needs
# AZURE_DNS_ZONE_ID and OPENSHIFT_INSTALL.
set -eu

case "${IMAGE:?must be set: the image, by its digest}" in
  *@sha256:*) ;;
  *) echo "IMAGE must name a digest (…@sha256:…), as a tag may mean another image tomorrow" >&2; exit 1 ;;
esac

case "${INSTALLER:=local}" in
  azure) : "${AZURE_DNS_ZONE_ID:?must be set}" "${OPENSHIFT_INSTALL:?must be set: its path in the image}" ;;
  *) AZURE_DNS_ZONE_ID="" OPENSHIFT_INSTALL="" ;;
esac

manifests="$(dirname "$0")/kubernetes.yaml"
sed \
  -e "s|\${IMAGE}|$IMAGE|" \
  -e "s|\${LOCATION}|${LOCATION:?must be set}|" \
  -e "s|\${COSMOSDB_ACCOUNT}|${COSMOSDB_ACCOUNT:?must be set}|" \
  -e "s|\${STORAGE_ACCOUNT}|${STORAGE_ACCOUNT:?must be set}|" \
  -e "s|\${SEALING_KEY_VAULT}|${SEALING_KEY_VAULT:?must be set}|" \
  -e "s|\${INSTALLER}|$INSTALLER|" \
  -e "s|\${AZURE_DNS_ZONE_ID}|$AZURE_DNS_ZONE_ID|" \
  -e "s|\${OPENSHIFT_INSTALL}|$OPENSHIFT_INSTALL|" \
  -e "s|\${OTEL_EXPORTER_OTLP_ENDPOINT}|${OTEL_EXPORTER_OTLP_ENDPOINT:-}|" \
  -e "s|\${FRONTEND_CLIENT_ID}|${FRONTEND_CLIENT_ID:?must be set}|" \
  -e "s|\${FORWARDER_CLIENT_ID}|${FORWARDER_CLIENT_ID:?must be set}|" \
  -e "s|\${BACKEND_CLIENT_ID}|${BACKEND_CLIENT_ID:?must be set}|" \
  -e "s|\${SCALER_CLIENT_ID}|${SCALER_CLIENT_ID:?must be set}|" \
  "$manifests"
