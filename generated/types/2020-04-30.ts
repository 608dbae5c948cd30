// Generated from spec/ by `npm run generate`. Do not edit.
export interface paths {
    "/providers/RedHat.OpenShift/operations": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** @description List the operations for the provider */
        get: operations["Operations_List"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/subscriptions/{subscriptionId}/providers/RedHat.OpenShift/OpenShiftClusters": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** @description Lists the clusters of a subscription. */
        get: operations["OpenShiftClusters_ListBySubscription"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/subscriptions/{subscriptionId}/providers/RedHat.OpenShift/locations/{location}/operationResults/{operationId}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * @description Gets what an operation led to: the target of `Location`. 202 while it runs, the cluster when it has been created or
         *     changed, 204 when it has been deleted, and the error if the operation failed.
         */
        get: operations["OperationResults_Get"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/subscriptions/{subscriptionId}/providers/RedHat.OpenShift/locations/{location}/operationStatuses/{operationId}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** @description Gets the status of an operation: the target of `Azure-AsyncOperation`. */
        get: operations["OperationStatuses_Get"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/subscriptions/{subscriptionId}/resourceGroups/{resourceGroupName}/providers/RedHat.OpenShift/OpenShiftClusters": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** @description Lists the clusters of a resource group. */
        get: operations["OpenShiftClusters_ListByResourceGroup"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/subscriptions/{subscriptionId}/resourceGroups/{resourceGroupName}/providers/RedHat.OpenShift/OpenShiftClusters/{resourceName}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** @description Gets a cluster, whatever state it is in. */
        get: operations["OpenShiftClusters_Get"];
        /**
         * @description Creates a cluster, or replaces the settings of one. An omitted setting goes back to its default if it can be
         *     changed, and keeps its value if it cannot; so does an omitted pull secret.
         */
        put: operations["OpenShiftClusters_CreateOrUpdate"];
        post?: never;
        /**
         * @description Deletes a cluster and everything that was made for it. It is accepted in every state and cancels an operation that
         *     runs.
         */
        delete: operations["OpenShiftClusters_Delete"];
        options?: never;
        head?: never;
        /** @description Changes some settings of a cluster. A change of nothing but tags is done at once; any other is an operation. */
        patch: operations["OpenShiftClusters_Update"];
        trace?: never;
    };
    "/subscriptions/{subscriptionId}/resourceGroups/{resourceGroupName}/providers/RedHat.OpenShift/OpenShiftClusters/{resourceName}/listCredentials": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** @description Gets the credentials of a cluster: 409 until it has been installed. */
        post: operations["OpenShiftClusters_ListCredentials"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
}
export type webhooks = Record<string, never>;
export interface components {
    schemas: {
        /** @description The API server of a cluster. */
        ApiserverProfile: {
            /**
             * @description From where it can be reached. It cannot be changed.
             * @default Public
             */
            visibility?: components["schemas"]["Visibility"];
            /**
             * Format: uri
             * @description Its URL. Absent until the installation has made it known.
             */
            readonly url?: string;
            /** @description Its address. Absent until the installation has made it known. */
            readonly ip?: string;
        };
        /** @description Represents an Azure Resource Type. */
        "Azure.Core.armResourceType": string;
        /** @description Represents an Azure geography region where supported resource providers live. */
        "Azure.Core.azureLocation": string;
        /**
         * Format: uuid
         * @description Universally Unique Identifier
         */
        "Azure.Core.uuid": string;
        /** @description Extensible enum. Indicates the action type. "Internal" refers to actions that are for internal only APIs. */
        "Azure.ResourceManager.CommonTypes.ActionType": "Internal" | string;
        /** @description The resource management error additional info. */
        "Azure.ResourceManager.CommonTypes.ErrorAdditionalInfo": {
            /** @description The additional info type. */
            readonly type?: string;
            /** @description The additional info. */
            readonly info?: unknown;
        };
        /** @description The error detail. */
        "Azure.ResourceManager.CommonTypes.ErrorDetail": {
            /** @description The error code. */
            readonly code?: string;
            /** @description The error message. */
            readonly message?: string;
            /** @description The error target. */
            readonly target?: string;
            /** @description The error details. */
            readonly details?: components["schemas"]["Azure.ResourceManager.CommonTypes.ErrorDetail"][];
            /** @description The error additional info. */
            readonly additionalInfo?: components["schemas"]["Azure.ResourceManager.CommonTypes.ErrorAdditionalInfo"][];
        };
        /**
         * Error response
         * @description Common error response for all Azure Resource Manager APIs to return error details for failed operations.
         */
        "Azure.ResourceManager.CommonTypes.ErrorResponse": {
            /** @description The error object. */
            error?: components["schemas"]["Azure.ResourceManager.CommonTypes.ErrorDetail"];
        };
        /**
         * REST API Operation
         * @description Details of a REST API operation, returned from the Resource Provider Operations API
         */
        "Azure.ResourceManager.CommonTypes.Operation": {
            /** @description The name of the operation, as per Resource-Based Access Control (RBAC). Examples: "Microsoft.Compute/virtualMachines/write", "Microsoft.Compute/virtualMachines/capture/action" */
            readonly name?: string;
            /** @description Whether the operation applies to data-plane. This is "true" for data-plane operations and "false" for Azure Resource Manager/control-plane operations. */
            readonly isDataAction?: boolean;
            /** @description Localized display information for this particular operation. */
            display?: components["schemas"]["Azure.ResourceManager.CommonTypes.OperationDisplay"];
            /** @description The intended executor of the operation; as in Resource Based Access Control (RBAC) and audit logs UX. Default value is "user,system" */
            readonly origin?: components["schemas"]["Azure.ResourceManager.CommonTypes.Origin"];
            /** @description Extensible enum. Indicates the action type. "Internal" refers to actions that are for internal only APIs. */
            readonly actionType?: components["schemas"]["Azure.ResourceManager.CommonTypes.ActionType"];
        };
        /** @description Localized display information for an operation. */
        "Azure.ResourceManager.CommonTypes.OperationDisplay": {
            /** @description The localized friendly form of the resource provider name, e.g. "Microsoft Monitoring Insights" or "Microsoft Compute". */
            readonly provider?: string;
            /** @description The localized friendly name of the resource type related to this operation. E.g. "Virtual Machines" or "Job Schedule Collections". */
            readonly resource?: string;
            /** @description The concise, localized friendly name for the operation; suitable for dropdowns. E.g. "Create or Update Virtual Machine", "Restart Virtual Machine". */
            readonly operation?: string;
            /** @description The short, localized friendly description of the operation; suitable for tool tips and detailed views. */
            readonly description?: string;
        };
        /** @description The intended executor of the operation; as in Resource Based Access Control (RBAC) and audit logs UX. Default value is "user,system" */
        "Azure.ResourceManager.CommonTypes.Origin": ("user" | "system" | "user,system") | string;
        /**
         * Resource
         * @description Common fields that are returned in the response for all Azure Resource Manager resources
         */
        "Azure.ResourceManager.CommonTypes.Resource": {
            /**
             * Format: arm-id
             * @description Fully qualified resource ID for the resource. Ex - /subscriptions/{subscriptionId}/resourceGroups/{resourceGroupName}/providers/{resourceProviderNamespace}/{resourceType}/{resourceName}
             */
            readonly id?: string;
            /** @description The name of the resource */
            readonly name?: string;
            /** @description The type of the resource. E.g. "Microsoft.Compute/virtualMachines" or "Microsoft.Storage/storageAccounts" */
            readonly type?: components["schemas"]["Azure.Core.armResourceType"];
            /** @description Azure Resource Manager metadata containing createdBy and modifiedBy information. */
            readonly systemData?: components["schemas"]["Azure.ResourceManager.CommonTypes.SystemData"];
        };
        /** @description Metadata pertaining to creation and last modification of the resource. */
        "Azure.ResourceManager.CommonTypes.SystemData": {
            /** @description The identity that created the resource. */
            createdBy?: string;
            /** @description The type of identity that created the resource. */
            createdByType?: components["schemas"]["Azure.ResourceManager.CommonTypes.createdByType"];
            /**
             * Format: date-time
             * @description The timestamp of resource creation (UTC).
             */
            createdAt?: string;
            /** @description The identity that last modified the resource. */
            lastModifiedBy?: string;
            /** @description The type of identity that last modified the resource. */
            lastModifiedByType?: components["schemas"]["Azure.ResourceManager.CommonTypes.createdByType"];
            /**
             * Format: date-time
             * @description The timestamp of resource last modification (UTC)
             */
            lastModifiedAt?: string;
        };
        /**
         * Tracked Resource
         * @description The resource model definition for an Azure Resource Manager tracked top level resource which has 'tags' and a 'location'
         */
        "Azure.ResourceManager.CommonTypes.TrackedResource": {
            /** @description Resource tags. */
            tags?: {
                [key: string]: string;
            };
            /** @description The geo-location where the resource lives */
            location: components["schemas"]["Azure.Core.azureLocation"];
        } & components["schemas"]["Azure.ResourceManager.CommonTypes.Resource"];
        /** @description The kind of entity that created the resource. */
        "Azure.ResourceManager.CommonTypes.createdByType": ("User" | "Application" | "ManagedIdentity" | "Key") | string;
        /** @description The provisioning state of a resource type. */
        "Azure.ResourceManager.ResourceProvisioningState": ("Succeeded" | "Failed" | "Canceled") | string;
        /** @description What concerns a cluster as a whole. */
        ClusterProfile: {
            /**
             * @description The domain of the cluster: a full domain name, or a label, which is put before the domain of the service. Required
             *     at creation. It cannot be changed.
             */
            domain?: string;
            /** @description The version of OpenShift to install, such as `4.3.27`; without one the service chooses. It cannot be changed. */
            version?: string;
            /**
             * Format: arm-id
             * @description The resource group for everything that is made for the cluster: in the same subscription, and not the one that the
             *     cluster itself is in. Required at creation. It cannot be changed.
             */
            resourceGroupId?: string;
        };
        /** @description What concerns a cluster as a whole. */
        ClusterProfileCreateOrUpdate: {
            /**
             * Format: password
             * @description Credentials for the registries that the cluster pulls its images from: the JSON document that Red Hat calls a pull
             *     secret, as text. It is never shown. Omit it in a later PUT to keep the stored one.
             */
            pullSecret?: string;
            /**
             * @description The domain of the cluster: a full domain name, or a label, which is put before the domain of the service. Required
             *     at creation. It cannot be changed.
             */
            domain?: string;
            /** @description The version of OpenShift to install, such as `4.3.27`; without one the service chooses. It cannot be changed. */
            version?: string;
            /**
             * Format: arm-id
             * @description The resource group for everything that is made for the cluster: in the same subscription, and not the one that the
             *     cluster itself is in. Required at creation. It cannot be changed.
             */
            resourceGroupId?: string;
        };
        /** @description The changes of a cluster as a whole. */
        ClusterProfileUpdate: {
            /**
             * Format: password
             * @description New registry credentials: JSON text as at creation.
             */
            pullSecret?: string;
        };
        /** @description The web console of a cluster. */
        ConsoleProfile: {
            /**
             * Format: uri
             * @description Its URL. Absent until the installation has made it known.
             */
            readonly url?: string;
        };
        /** @description A way into the applications of a cluster, told from others by its name. */
        IngressProfile: {
            /** @description Its name. It cannot be changed. */
            name: string;
            /**
             * @description From where it can be reached. It cannot be changed.
             * @default Public
             */
            visibility?: components["schemas"]["Visibility"];
            /** @description Its address. Absent until the installation has made it known. */
            readonly ip?: string;
        };
        /** @description The control plane machines. */
        MasterProfile: {
            /**
             * @description The size of each control plane machine. It cannot be changed.
             * @default Standard_D8s_v3
             */
            vmSize?: components["schemas"]["MasterVmSize"];
            /**
             * @description The subnet of the control plane machines: another one than that of the workers, in the same virtual network.
             *     Required at creation. It cannot be changed.
             */
            subnetId?: components["schemas"]["SubnetId"];
        };
        /** @description Sizes of control plane machines. */
        MasterVmSize: string | "Standard_D8s_v3";
        /** @description The address ranges of a cluster: IPv4 in CIDR notation. They must not overlap and cannot be changed. */
        NetworkProfile: {
            /**
             * @description The range that pods get their addresses from: /18 or larger.
             * @default 10.128.0.0/14
             */
            podCidr?: string;
            /**
             * @description The range that services get their addresses from: /22 or larger.
             * @default 172.30.0.0/16
             */
            serviceCidr?: string;
        };
        /**
         * @description An OpenShift cluster. Its `etag` is equal to the `ETag` header and changes whenever anything that a GET shows changes;
         *     send it in `If-Match` to write only if nobody else has written meanwhile.
         */
        OpenShiftCluster: {
            /** @description The resource-specific properties for this resource. */
            properties: components["schemas"]["OpenShiftClusterProperties"];
            /** @description Resource Etag. */
            readonly etag?: string;
        } & components["schemas"]["Azure.ResourceManager.CommonTypes.TrackedResource"];
        /**
         * @description An OpenShift cluster. Its `etag` is equal to the `ETag` header and changes whenever anything that a GET shows changes;
         *     send it in `If-Match` to write only if nobody else has written meanwhile.
         */
        OpenShiftClusterCreateOrUpdate: {
            /** @description The resource-specific properties for this resource. */
            properties: components["schemas"]["OpenShiftClusterPropertiesCreateOrUpdate"];
        } & components["schemas"]["Azure.ResourceManager.CommonTypes.TrackedResource"];
        /** @description The credentials of a cluster. */
        OpenShiftClusterCredentials: {
            /** @description The name of the user who may do everything in the cluster. */
            kubeadminUsername: string;
            /**
             * Format: password
             * @description The password of the user `kubeadmin`, who may do everything in the cluster.
             */
            kubeadminPassword: string;
        };
        /** @description The response of a OpenShiftCluster list operation. */
        OpenShiftClusterListResult: {
            /** @description The OpenShiftCluster items on this page */
            value: components["schemas"]["OpenShiftCluster"][];
            /**
             * Format: uri
             * @description The link to the next page of items
             */
            nextLink?: string;
        };
        /** @description The settings of a cluster. */
        OpenShiftClusterProperties: {
            /** @description What concerns the cluster as a whole. */
            clusterProfile?: components["schemas"]["ClusterProfile"];
            /** @description The web console. */
            consoleProfile?: components["schemas"]["ConsoleProfile"];
            /** @description The service principal by which the cluster acts on Azure. */
            servicePrincipalProfile?: components["schemas"]["ServicePrincipalProfile"];
            /** @description The address ranges of the cluster. */
            networkProfile?: components["schemas"]["NetworkProfile"];
            /** @description The control plane machines. */
            masterProfile?: components["schemas"]["MasterProfile"];
            /**
             * @description The pools of worker machines: exactly one, which is called `worker`.
             * @default [
             *       {
             *         "name": "worker"
             *       }
             *     ]
             */
            workerProfiles?: components["schemas"]["WorkerProfile"][];
            /** @description The API server. */
            apiserverProfile?: components["schemas"]["ApiserverProfile"];
            /**
             * @description The ways into the applications of the cluster: exactly one, which is called `default`.
             * @default [
             *       {
             *         "name": "default"
             *       }
             *     ]
             */
            ingressProfiles?: components["schemas"]["IngressProfile"][];
            /**
             * @description Where the cluster stands. `Succeeded`, `Failed` and `Canceled` are final; as long as it is anything else an
             *     operation runs, and only a DELETE is accepted.
             */
            readonly provisioningState?: components["schemas"]["ProvisioningState"];
        };
        /** @description The settings of a cluster. */
        OpenShiftClusterPropertiesCreateOrUpdate: {
            /** @description What concerns the cluster as a whole. */
            clusterProfile?: components["schemas"]["ClusterProfileCreateOrUpdate"];
            /** @description The web console. */
            consoleProfile?: components["schemas"]["ConsoleProfile"];
            /** @description The service principal by which the cluster acts on Azure. */
            servicePrincipalProfile?: components["schemas"]["ServicePrincipalProfileCreateOrUpdate"];
            /** @description The address ranges of the cluster. */
            networkProfile?: components["schemas"]["NetworkProfile"];
            /** @description The control plane machines. */
            masterProfile?: components["schemas"]["MasterProfile"];
            /**
             * @description The pools of worker machines: exactly one, which is called `worker`.
             * @default [
             *       {
             *         "name": "worker"
             *       }
             *     ]
             */
            workerProfiles?: components["schemas"]["WorkerProfile"][];
            /** @description The API server. */
            apiserverProfile?: components["schemas"]["ApiserverProfile"];
            /**
             * @description The ways into the applications of the cluster: exactly one, which is called `default`.
             * @default [
             *       {
             *         "name": "default"
             *       }
             *     ]
             */
            ingressProfiles?: components["schemas"]["IngressProfile"][];
        };
        /**
         * @description The changes of a PATCH, as RFC 7396: an omitted member stays as it is, `null` resets a member that need not be there, an
         *     array replaces the stored one. Neither arrays nor secrets that are stored can be removed. This model lists what can be
         *     changed; members that cannot are accepted with the value that they have.
         */
        OpenShiftClusterUpdate: {
            /** @description Resource tags. */
            tags?: {
                [key: string]: string;
            };
            /** @description The settings to change. */
            properties?: components["schemas"]["OpenShiftClusterUpdateProperties"];
        };
        /** @description The settings of a cluster that can be changed. */
        OpenShiftClusterUpdateProperties: {
            /** @description What of the cluster as a whole to change. */
            clusterProfile?: components["schemas"]["ClusterProfileUpdate"];
            /** @description Another service principal, or a new secret of it. */
            servicePrincipalProfile?: components["schemas"]["ServicePrincipalProfileUpdate"];
            /** @description The pools of worker machines. A pool that is listed by its name keeps the members it omits. */
            workerProfiles?: components["schemas"]["WorkerProfileUpdate"][];
        };
        /** @description A list of REST API operations supported by an Azure Resource Provider. It contains an URL link to get the next set of results. */
        OperationListResult: {
            /** @description The Operation items on this page */
            value: components["schemas"]["Azure.ResourceManager.CommonTypes.Operation"][];
            /**
             * Format: uri
             * @description The link to the next page of items
             */
            nextLink?: string;
        };
        /** @description The status of an operation. */
        OperationStatus: {
            /** @description The operation status */
            status: components["schemas"]["Azure.ResourceManager.ResourceProvisioningState"];
            /** @description The unique identifier for the operationStatus resource */
            id: string;
            /** @description The name of the operationStatus resource */
            readonly name?: string;
            /**
             * Format: date-time
             * @description Operation start time
             */
            readonly startTime?: string;
            /**
             * Format: date-time
             * @description Operation complete time
             */
            readonly endTime?: string;
            /**
             * Format: double
             * @description The progress made toward completing the operation
             */
            readonly percentComplete?: number;
            /** @description Errors that occurred if the operation ended with Canceled or Failed status */
            readonly error?: components["schemas"]["Azure.ResourceManager.CommonTypes.ErrorDetail"];
        };
        /** @description The provisioning state of a cluster. */
        ProvisioningState: components["schemas"]["Azure.ResourceManager.ResourceProvisioningState"] | ("Creating" | "Updating" | "Deleting") | string;
        /** @description The service principal by which a cluster acts on Azure. */
        ServicePrincipalProfile: {
            /** @description The client id of its application. Required at creation, and in each PUT of a cluster that has one. */
            clientId?: components["schemas"]["Azure.Core.uuid"];
        };
        /** @description The service principal by which a cluster acts on Azure. */
        ServicePrincipalProfileCreateOrUpdate: {
            /** @description The client id of its application. Required at creation, and in each PUT of a cluster that has one. */
            clientId?: components["schemas"]["Azure.Core.uuid"];
            /**
             * Format: password
             * @description Its secret. Required at creation and never shown. Omit it in a later PUT to keep the stored one.
             */
            clientSecret?: string;
        };
        /** @description The changes of a service principal. */
        ServicePrincipalProfileUpdate: {
            /** @description The client id of its application. */
            clientId?: components["schemas"]["Azure.Core.uuid"];
            /**
             * Format: password
             * @description Its secret.
             */
            clientSecret?: string;
        };
        /**
         * Format: arm-id
         * @description The id of a subnet.
         */
        SubnetId: string;
        /** @description From where something can be reached. */
        Visibility: string | ("Private" | "Public");
        /** @description A pool of equal worker machines, told from others by its name. */
        WorkerProfile: {
            /** @description The name of the pool. It cannot be changed. */
            name: string;
            /**
             * @description The size of each machine. It cannot be changed.
             * @default Standard_D2s_v3
             */
            vmSize?: components["schemas"]["WorkerVmSize"];
            /**
             * Format: int32
             * @description The size of each machine's disk in GB. It cannot be changed.
             * @default 128
             */
            diskSizeGB?: number;
            /** @description The subnet of the machines. Required at creation. It cannot be changed. */
            subnetId?: components["schemas"]["SubnetId"];
            /**
             * Format: int32
             * @description How many machines the pool has.
             * @default 3
             */
            count?: number;
        };
        /** @description The changes of a pool of worker machines. */
        WorkerProfileUpdate: {
            /** @description The name of the pool to change. */
            name: string;
            /**
             * Format: int32
             * @description How many machines the pool shall have.
             */
            count?: number;
        };
        /** @description Sizes of worker machines. */
        WorkerVmSize: string | ("Standard_D2s_v3" | "Standard_D4s_v3" | "Standard_D8s_v3");
    };
    responses: never;
    parameters: {
        /** @description With `*`: write only if there is no such resource. */
        AbsentPrecondition: string;
        /** @description The API version to use for this operation. */
        "Azure.ResourceManager.CommonTypes.ApiVersionParameter": string;
        /** @description The name of the resource group. The name is case insensitive. */
        "Azure.ResourceManager.CommonTypes.ResourceGroupNameParameter": string;
        /** @description The ID of the target subscription. The value must be an UUID. */
        "Azure.ResourceManager.CommonTypes.SubscriptionIdParameter": components["schemas"]["Azure.Core.uuid"];
        /** @description The name of the Azure region. */
        "Azure.ResourceManager.LocationResourceParameter": components["schemas"]["Azure.Core.azureLocation"];
        /** @description Write only if the resource has this `etag`; `*` stands for any. */
        ExistingPrecondition: string;
        /** @description The most items of a page, at most 100. A page may have fewer; `nextLink` says whether more follow. */
        PageSize: number;
    };
    requestBodies: never;
    headers: never;
    pathItems: never;
}
export type $defs = Record<string, never>;
export interface operations {
    Operations_List: {
        parameters: {
            query: {
                /** @description The API version to use for this operation. */
                "api-version": components["parameters"]["Azure.ResourceManager.CommonTypes.ApiVersionParameter"];
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Azure operation completed successfully. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["OperationListResult"];
                };
            };
            /** @description An unexpected error response. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Azure.ResourceManager.CommonTypes.ErrorResponse"];
                };
            };
        };
    };
    OpenShiftClusters_ListBySubscription: {
        parameters: {
            query: {
                /** @description The API version to use for this operation. */
                "api-version": components["parameters"]["Azure.ResourceManager.CommonTypes.ApiVersionParameter"];
                /** @description The most items of a page, at most 100. A page may have fewer; `nextLink` says whether more follow. */
                $top?: components["parameters"]["PageSize"];
            };
            header?: never;
            path: {
                /** @description The ID of the target subscription. The value must be an UUID. */
                subscriptionId: components["parameters"]["Azure.ResourceManager.CommonTypes.SubscriptionIdParameter"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Azure operation completed successfully. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["OpenShiftClusterListResult"];
                };
            };
            /** @description An unexpected error response. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Azure.ResourceManager.CommonTypes.ErrorResponse"];
                };
            };
        };
    };
    OperationResults_Get: {
        parameters: {
            query: {
                /** @description The API version to use for this operation. */
                "api-version": components["parameters"]["Azure.ResourceManager.CommonTypes.ApiVersionParameter"];
            };
            header?: never;
            path: {
                /** @description The ID of the target subscription. The value must be an UUID. */
                subscriptionId: components["parameters"]["Azure.ResourceManager.CommonTypes.SubscriptionIdParameter"];
                /** @description The name of the Azure region. */
                location: components["parameters"]["Azure.ResourceManager.LocationResourceParameter"];
                /** @description The id of the operation. */
                operationId: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Azure operation completed successfully. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["OpenShiftCluster"];
                };
            };
            /** @description The operation still runs. */
            202: {
                headers: {
                    /** @description A link to the status monitor */
                    "Azure-AsyncOperation"?: string;
                    /** @description The Location header contains the URL where the status of the long running operation can be checked. */
                    Location?: string;
                    /** @description The Retry-After header can indicate how long the client should wait before polling the operation status. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description The operation has succeeded and left nothing to show. */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description An unexpected error response. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Azure.ResourceManager.CommonTypes.ErrorResponse"];
                };
            };
        };
    };
    OperationStatuses_Get: {
        parameters: {
            query: {
                /** @description The API version to use for this operation. */
                "api-version": components["parameters"]["Azure.ResourceManager.CommonTypes.ApiVersionParameter"];
            };
            header?: never;
            path: {
                /** @description The ID of the target subscription. The value must be an UUID. */
                subscriptionId: components["parameters"]["Azure.ResourceManager.CommonTypes.SubscriptionIdParameter"];
                /** @description The name of the Azure region. */
                location: components["parameters"]["Azure.ResourceManager.LocationResourceParameter"];
                /** @description The operation ID. */
                operationId: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Azure operation completed successfully. */
            200: {
                headers: {
                    /** @description The Retry-After header can indicate how long the client should wait before polling the operation status. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["OperationStatus"];
                };
            };
            /** @description An unexpected error response. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Azure.ResourceManager.CommonTypes.ErrorResponse"];
                };
            };
        };
    };
    OpenShiftClusters_ListByResourceGroup: {
        parameters: {
            query: {
                /** @description The API version to use for this operation. */
                "api-version": components["parameters"]["Azure.ResourceManager.CommonTypes.ApiVersionParameter"];
                /** @description The most items of a page, at most 100. A page may have fewer; `nextLink` says whether more follow. */
                $top?: components["parameters"]["PageSize"];
            };
            header?: never;
            path: {
                /** @description The ID of the target subscription. The value must be an UUID. */
                subscriptionId: components["parameters"]["Azure.ResourceManager.CommonTypes.SubscriptionIdParameter"];
                /** @description The name of the resource group. The name is case insensitive. */
                resourceGroupName: components["parameters"]["Azure.ResourceManager.CommonTypes.ResourceGroupNameParameter"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Azure operation completed successfully. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["OpenShiftClusterListResult"];
                };
            };
            /** @description An unexpected error response. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Azure.ResourceManager.CommonTypes.ErrorResponse"];
                };
            };
        };
    };
    OpenShiftClusters_Get: {
        parameters: {
            query: {
                /** @description The API version to use for this operation. */
                "api-version": components["parameters"]["Azure.ResourceManager.CommonTypes.ApiVersionParameter"];
            };
            header?: never;
            path: {
                /** @description The ID of the target subscription. The value must be an UUID. */
                subscriptionId: components["parameters"]["Azure.ResourceManager.CommonTypes.SubscriptionIdParameter"];
                /** @description The name of the resource group. The name is case insensitive. */
                resourceGroupName: components["parameters"]["Azure.ResourceManager.CommonTypes.ResourceGroupNameParameter"];
                /** @description The name of the OpenShiftCluster */
                resourceName: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Azure operation completed successfully. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["OpenShiftCluster"];
                };
            };
            /** @description An unexpected error response. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Azure.ResourceManager.CommonTypes.ErrorResponse"];
                };
            };
        };
    };
    OpenShiftClusters_CreateOrUpdate: {
        parameters: {
            query: {
                /** @description The API version to use for this operation. */
                "api-version": components["parameters"]["Azure.ResourceManager.CommonTypes.ApiVersionParameter"];
            };
            header?: {
                /** @description Write only if the resource has this `etag`; `*` stands for any. */
                "If-Match"?: components["parameters"]["ExistingPrecondition"];
                /** @description With `*`: write only if there is no such resource. */
                "If-None-Match"?: components["parameters"]["AbsentPrecondition"];
            };
            path: {
                /** @description The ID of the target subscription. The value must be an UUID. */
                subscriptionId: components["parameters"]["Azure.ResourceManager.CommonTypes.SubscriptionIdParameter"];
                /** @description The name of the resource group. The name is case insensitive. */
                resourceGroupName: components["parameters"]["Azure.ResourceManager.CommonTypes.ResourceGroupNameParameter"];
                /** @description The name of the OpenShiftCluster */
                resourceName: string;
            };
            cookie?: never;
        };
        /** @description Resource create parameters. */
        requestBody: {
            content: {
                "application/json": components["schemas"]["OpenShiftClusterCreateOrUpdate"];
            };
        };
        responses: {
            /** @description Resource 'OpenShiftCluster' update operation succeeded. The headers are absent if there was nothing to do. */
            200: {
                headers: {
                    /** @description A link to the status monitor */
                    "Azure-AsyncOperation"?: string;
                    /** @description The Retry-After header can indicate how long the client should wait before polling the operation status. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["OpenShiftCluster"];
                };
            };
            /** @description Resource 'OpenShiftCluster' create operation succeeded */
            201: {
                headers: {
                    /** @description A link to the status monitor */
                    "Azure-AsyncOperation"?: string;
                    /** @description The Retry-After header can indicate how long the client should wait before polling the operation status. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["OpenShiftCluster"];
                };
            };
            /** @description An unexpected error response. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Azure.ResourceManager.CommonTypes.ErrorResponse"];
                };
            };
        };
    };
    OpenShiftClusters_Delete: {
        parameters: {
            query: {
                /** @description The API version to use for this operation. */
                "api-version": components["parameters"]["Azure.ResourceManager.CommonTypes.ApiVersionParameter"];
            };
            header?: {
                /** @description Write only if the resource has this `etag`; `*` stands for any. */
                "If-Match"?: components["parameters"]["ExistingPrecondition"];
            };
            path: {
                /** @description The ID of the target subscription. The value must be an UUID. */
                subscriptionId: components["parameters"]["Azure.ResourceManager.CommonTypes.SubscriptionIdParameter"];
                /** @description The name of the resource group. The name is case insensitive. */
                resourceGroupName: components["parameters"]["Azure.ResourceManager.CommonTypes.ResourceGroupNameParameter"];
                /** @description The name of the OpenShiftCluster */
                resourceName: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Resource deletion accepted. */
            202: {
                headers: {
                    /** @description A link to the status monitor */
                    "Azure-AsyncOperation"?: string;
                    /** @description The Location header contains the URL where the status of the long running operation can be checked. */
                    Location?: string;
                    /** @description The Retry-After header can indicate how long the client should wait before polling the operation status. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Resource does not exist. */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description An unexpected error response. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Azure.ResourceManager.CommonTypes.ErrorResponse"];
                };
            };
        };
    };
    OpenShiftClusters_Update: {
        parameters: {
            query: {
                /** @description The API version to use for this operation. */
                "api-version": components["parameters"]["Azure.ResourceManager.CommonTypes.ApiVersionParameter"];
            };
            header?: {
                /** @description Write only if the resource has this `etag`; `*` stands for any. */
                "If-Match"?: components["parameters"]["ExistingPrecondition"];
            };
            path: {
                /** @description The ID of the target subscription. The value must be an UUID. */
                subscriptionId: components["parameters"]["Azure.ResourceManager.CommonTypes.SubscriptionIdParameter"];
                /** @description The name of the resource group. The name is case insensitive. */
                resourceGroupName: components["parameters"]["Azure.ResourceManager.CommonTypes.ResourceGroupNameParameter"];
                /** @description The name of the OpenShiftCluster */
                resourceName: string;
            };
            cookie?: never;
        };
        /** @description The resource properties to be updated. */
        requestBody: {
            content: {
                "application/json": components["schemas"]["OpenShiftClusterUpdate"];
            };
        };
        responses: {
            /** @description Azure operation completed successfully. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["OpenShiftCluster"];
                };
            };
            /** @description Resource update request accepted. */
            202: {
                headers: {
                    /** @description A link to the status monitor */
                    "Azure-AsyncOperation"?: string;
                    /** @description The Location header contains the URL where the status of the long running operation can be checked. */
                    Location?: string;
                    /** @description The Retry-After header can indicate how long the client should wait before polling the operation status. */
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description An unexpected error response. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Azure.ResourceManager.CommonTypes.ErrorResponse"];
                };
            };
        };
    };
    OpenShiftClusters_ListCredentials: {
        parameters: {
            query: {
                /** @description The API version to use for this operation. */
                "api-version": components["parameters"]["Azure.ResourceManager.CommonTypes.ApiVersionParameter"];
            };
            header?: never;
            path: {
                /** @description The ID of the target subscription. The value must be an UUID. */
                subscriptionId: components["parameters"]["Azure.ResourceManager.CommonTypes.SubscriptionIdParameter"];
                /** @description The name of the resource group. The name is case insensitive. */
                resourceGroupName: components["parameters"]["Azure.ResourceManager.CommonTypes.ResourceGroupNameParameter"];
                /** @description The name of the OpenShiftCluster */
                resourceName: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Azure operation completed successfully. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["OpenShiftClusterCredentials"];
                };
            };
            /** @description An unexpected error response. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Azure.ResourceManager.CommonTypes.ErrorResponse"];
                };
            };
        };
    };
}
