import './main.css'
import { PiniaColada } from '@pinia/colada'
import { createPinia } from 'pinia'
import { createApp } from 'vue'
import { setUpClient } from '@/api/client'
import { useConfig } from '@/app/config'
import { installFreshness } from '@/app/freshness'
import { installGuard } from '@/app/guard'
import { useLocale } from '@/app/locale'
import { makeRouter } from '@/app/router'
import { useSession } from '@/app/session'
import { useTheme } from '@/app/theme'
import { installTitles } from '@/app/titles'
import App from './App.vue'

async function start(): Promise<void> {
  installFreshness()
  const app = createApp(App).use(createPinia()).use(PiniaColada)
  const session = useSession()
  setUpClient(session.tokens)
  useTheme()
  void useConfig().load()
  await useLocale().restore()

  const router = makeRouter()
  installGuard(router, session)
  installTitles(router, useLocale(), useConfig())
  app.use(router).mount('#app')
}

void start()
