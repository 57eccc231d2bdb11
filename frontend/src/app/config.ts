/** What this installation says about itself, asked from the backend: nothing of it is baked into the build. */
import { defineStore } from 'pinia'
import { shallowRef } from 'vue'
import { getConfig } from '@/api/generated/sdk.gen'
import type { Config } from '@/api/types'

const UNTIL_TOLD: Config = { name: 'Atila Starter', version: '', max_upload_bytes: 20_000_000 }

export const useConfig = defineStore('config', () => {
  const config = shallowRef(UNTIL_TOLD)

  /** Keeps what it has when the backend does not answer: the page works without. */
  async function load(): Promise<void> {
    const { data } = await getConfig()
    if (data) config.value = data
  }

  return { config, load }
})
