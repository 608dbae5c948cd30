/** What openshift-install would have made, as far as the steps on Azure look at it. */

const text = (value: unknown): Uint8Array =>
  Buffer.from(typeof value === "string" ? value : JSON.stringify(value));
/** For a cluster with the prefix `mycluster-x7k2p`. */
export const installedFiles = new Map([
  ["metadata.json", text({ infraID: "mycluster-x7k2p" })],
  ["bootstrap.ign", text({ ignition: { version: "3.2.0" } })],
  ["master.ign", text({ ignition: { version: "3.2.0" } })],
  ["auth/kubeconfig", text("apiVersion: v1")],
  ["auth/kubeadmin-password", text("aaaaa-bbbbb-ccccc-ddddd")],
  [
    "coreos-stream.json",
    text({
      architectures: {
        x86_64: {
          "rhel-coreos-extensions": {
            "azure-disk": { url: "https://rhcos.blob.core.windows.net/imagebucket/rhcos.vhd" },
          },
        },
      },
    }),
  ],
]);
